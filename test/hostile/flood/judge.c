#include "judge.h"
#include "model.h"
#include <string.h>

/* docs/limits.md: what is read of a query; `bufsize` of the Corefile. */
enum { longest_query = 4096, bufsize = 1232, plain_udp = 512 };
enum { query = 0, notify = 4, update = 5 };
enum { noerror, formerr, servfail, nxdomain, notimp };

static int has_form(int code) { return code <= 20 && code != 10; }

/* The OPT record; 0 where it is malformed. */
static int look_at_opt(const uint8_t *packet, const struct record *opt, int section, struct facts *facts)
{
	int at = opt->rdata, end = at + opt->rdata_length;
	/* In another section it is a record like others (RFC 6891 §6.1.1). */
	if (section != 2) {
		facts->is_plain = 0;
		facts->may_be_formerr = 1;
		return 1;
	}
	facts->opts++;
	facts->payload = opt->class;
	facts->dnssec_ok = opt->ttl >> 15 & 1;
	if (opt->owner.length != 1) facts->is_plain = 0;
	while (at < end) {
		if (at + 4 > end || at + 4 + u16_at(packet + at + 2) > end) return 0;
		if (has_form(u16_at(packet + at))) facts->may_be_formerr = 1;
		at += 4 + u16_at(packet + at + 2);
	}
	if (opt->ttl >> 16 & 255) facts->sort = bad_version;
	return 1;
}

static void look_behind_header(const uint8_t *packet, int end, struct facts *facts)
{
	struct record record;
	int at = read_name(packet, end, header_octets, &facts->name, &facts->is_compressed);
	facts->sort = format_error;
	if (at < 0 || at + 4 > end) return;
	facts->has_question = 1;
	facts->type = u16_at(packet + at);
	facts->class = u16_at(packet + at + 2);
	at += 4;
	facts->is_plain = 1;
	facts->sort = answered;
	for (int section = 0; section < 3; section++)
		for (int left = u16_at(packet + 6 + 2 * section); left > 0; left--) {
			at = read_record(packet, end, at, &record);
			if (at < 0 || (record.type == type_opt && !look_at_opt(packet, &record, section, facts))) {
				facts->sort = format_error;
				return;
			}
			if (record.type != type_opt) facts->may_be_formerr = 1, facts->is_plain = 0;
		}
	/* Of several versions one counts. */
	if (facts->opts > 1) facts->is_plain = 0;
}

static int counts_as_query(const uint8_t *packet)
{
	return u16_at(packet + 4) == 1 && u16_at(packet + 6) <= 1 && u16_at(packet + 8) <= 1 && u16_at(packet + 10) <= 2;
}

int may_be_refused(const uint8_t *packet, size_t length, const struct facts *facts)
{
	return facts->due != one_reply || length > longest_query || !counts_as_query(packet);
}

void look_at(const uint8_t *packet, size_t length, enum transport transport, uint32_t client, struct facts *facts)
{
	memset(facts, 0, offsetof(struct facts, name));
	facts->opts = facts->payload = facts->dnssec_ok = 0;
	facts->name.length = 0;
	facts->sort = silent;
	if (length < header_octets || packet[2] & 0x80) return;
	facts->due = one_reply;
	int opcode = packet[2] >> 3 & 15;
	if (length > longest_query) {
		facts->sort = format_error;
		if (transport != udp) return;
		length = longest_query;
	}
	if (opcode != query && opcode != notify) {
		facts->sort = not_implemented;
		return;
	}
	facts->sort = format_error;
	if (!counts_as_query(packet)) return;
	facts->sort = header_alone;
	if (length == header_octets) return;
	look_behind_header(packet, (int)length, facts);
	if (opcode != query || facts->class != 1) facts->is_plain = 0;
	/* A NOTIFY for a zone that is no secondary is dropped, as in CoreDNS. */
	if (opcode == notify && facts->sort == answered) facts->due = perhaps;
	/* acl has the client, unless FORMERR comes first. */
	if (facts->sort == answered && client_in(client, dropped_net) && in_main_block(&facts->name))
		facts->due = facts->may_be_formerr || facts->opts > 1 || opcode == notify ? perhaps : no_reply;
	if (facts->sort == bad_version && facts->opts > 1) facts->due = perhaps;
}

/* The reply's records. */
struct sections { int answers, opts; struct record answer[64], opt; };

static const char *read_sections(const uint8_t *reply, int length, int at, struct sections *sections)
{
	struct record record;
	for (int section = 0; section < 3; section++)
		for (int left = u16_at(reply + 6 + 2 * section); left > 0; left--) {
			at = read_record(reply, length, at, &record);
			if (at < 0 || !rdata_is_sound(reply, &record)) return "a record cannot be read";
			if (record.type == type_opt) {
				if (section != 2 || record.owner.length != 1 || sections->opts++) return "an OPT record that must not be there";
				sections->opt = record;
			} else if (record.ttl > 0x7fffffff) return "a TTL above 2^31 - 1";
			else if (section == 0 && sections->answers < 64) sections->answer[sections->answers++] = record;
		}
	return at == length ? 0 : "octets behind the last record";
}

static const char *judge_answer(const uint8_t *reply, const struct facts *facts, const struct sections *sections, const struct expected *expected, int rcode)
{
	int used = 0;
	if (rcode != expected->rcode) return "another rcode than is right";
	if (sections->answers != expected->answers) return "another number of answers than is right";
	for (int i = 0; i < sections->answers; i++) {
		const struct record *record = &sections->answer[i];
		int found = -1;
		/* What the table lacks has the case of its zone, as in CoreDNS. */
		if (!same_name(&record->owner, &facts->name, 1)) return "an answer of another name";
		if (record->type != facts->type || record->class != 1) return "an answer of another type";
		if (expected->ttl >= 0 && (int)record->ttl != expected->ttl) return "another TTL than is right";
		if (expected->target.length) {
			struct name target;
			if (read_name(reply, 65536, record->rdata, &target, 0) < 0 || !same_name(&target, &expected->target, 0)) return "another target than is right";
			continue;
		}
		for (int c = 0; c < expected->candidates && found < 0; c++)
			if (record->rdata_length == expected->octets && memcmp(reply + record->rdata, expected->address[c], (size_t)expected->octets) == 0) found = c;
		if (found < 0 || used >> found & 1) return "another address than is right";
		used |= 1 << found;
	}
	return 0;
}

static const char *judge_header(const uint8_t *packet, const struct facts *facts, const uint8_t *reply, int rcode, enum transport transport)
{
	int opcode = packet[2] >> 3 & 15, replied = reply[2] >> 3 & 15, is_error = facts->sort != answered && facts->sort != bad_version;
	if (!(reply[2] & 0x80)) return "QR is not set";
	if (replied != opcode && !(replied == 0 && rcode == formerr)) return "another opcode";
	if (opcode == query && (reply[2] ^ packet[2]) & 1) return "another RD";
	if (opcode == query && (reply[3] ^ packet[3]) & 0x10) return "another CD";
	if (reply[3] & 0x40) return "Z is set";
	if (reply[2] & 2 && transport != udp && !(is_error || rcode == formerr)) return "TC over TCP";
	return 0;
}

static const char *judge_sort(const struct facts *facts, int rcode, int length)
{
	switch (facts->sort) {
	case not_implemented: return rcode == notimp && length == header_octets ? 0 : "no NOTIMP";
	case format_error: return rcode == formerr ? 0 : "no FORMERR";
	case header_alone: return rcode == servfail && length == header_octets ? 0 : "no SERVFAIL of a header alone";
	case bad_version: return rcode == 16 || (rcode == formerr && facts->may_be_formerr) || facts->opts > 1 ? 0 : "no BADVERS";
	case answered: return rcode != formerr || facts->may_be_formerr || !facts->is_plain ? 0 : "FORMERR";
	default: return "a reply to what deserves none";
	}
}

static const char *judge_opt(const struct facts *facts, const struct sections *sections, int rcode)
{
	if (facts->opts > 1 || rcode == formerr || facts->sort != answered) return 0;
	if (!facts->opts) return sections->opts ? "an OPT for a client without EDNS" : 0;
	if (!sections->opts) return facts->is_compressed && rcode == servfail ? 0 : "no OPT for a client with EDNS";
	if (sections->opt.ttl >> 16 & 255) return "another EDNS version than 0";
	/* A plugin that makes an OPT record of its own sets DO in it, as in CoreDNS. */
	if ((int)(sections->opt.ttl >> 15 & 1) != facts->dnssec_ok && sections->opt.rdata_length == 0) return "another DO";
	if (sections->opt.ttl & 0x7fff) return "EDNS flags without a meaning";
	return sections->opt.class == facts->payload || sections->opt.class == bufsize ? 0 : "another payload size";
}

const char *judge(const uint8_t *packet, const struct facts *facts, const uint8_t *reply, size_t octets, enum transport transport, uint32_t client, int *known,
	int *shed)
{
	struct sections sections = { .answers = 0, .opts = 0 };
	struct expected expected;
	int length = (int)octets, at = header_octets, questions = u16_at(reply + 4);
	const char *wrong;
	if (facts->due == no_reply) return "a reply to what deserves none";
	int limit = transport != udp ? 65535 : !facts->opts || facts->payload < plain_udp ? plain_udp : facts->payload < bufsize ? facts->payload : bufsize;
	if (facts->opts > 1) limit = transport != udp ? 65535 : bufsize;
	if (length > limit) return "longer than the client takes";
	if (questions > 1) return "several questions";
	if (questions == 1) {
		struct name name;
		int compressed;
		at = read_name(reply, length, at, &name, &compressed);
		if (at < 0 || at + 4 > length || compressed || !facts->has_question) return "a question that was not asked";
		if (!same_name(&name, &facts->name, 0) || u16_at(reply + at) != facts->type || u16_at(reply + at + 2) != facts->class) return "another question";
		at += 4;
	}
	if ((wrong = read_sections(reply, length, at, &sections))) return wrong;
	int rcode = (reply[3] & 15) | (sections.opts ? (int)(sections.opt.ttl >> 24) << 4 : 0);
	if ((wrong = judge_header(packet, facts, reply, rcode, transport))) return wrong;
	if ((wrong = judge_sort(facts, rcode, length))) return wrong;
	if (facts->sort == answered && questions == 0 && rcode != formerr && !(facts->is_compressed && rcode == servfail)) return "no question";
	if ((wrong = judge_opt(facts, &sections, rcode))) return wrong;
	if (facts->sort != answered || !facts->is_plain || rcode == formerr) return 0;
	if (!model_knows(&facts->name, facts->type, client, &expected)) return 0;
	if (rcode == servfail) {
		*shed = 1;
		return 0;
	}
	*known = 1;
	return judge_answer(reply, facts, &sections, &expected, rcode);
}
