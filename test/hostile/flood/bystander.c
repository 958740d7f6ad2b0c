/* Somebody who asks one good question after the other while all this goes on, and says what became of them. */
#define _GNU_SOURCE
#include "flood.h"
#include "model.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { patience = 30000, pause_milliseconds = 5, own_address = 127u << 24 | 2, kinds = 6 };
static const char *const kind_names[kinds] = { "table", "denied", "chain", "forwarded", "translated", "tcp" };

static int make_query(uint8_t *query, unsigned asked, uint64_t seed)
{
	char text[128];
	struct name name;
	unsigned kind = asked % kinds, of = asked / kinds;
	static const char *const forms[kinds] = { "s%u.n0.svc.cluster.local", "x%u.n1.svc.cluster.local", "10-1-2-%u.n2.pod.cluster.local", "fb%u-%llx.fwd.test",
		"fb%u-%llx.v4only.test", "s%u.n3.svc.cluster.local" };
	static const unsigned limits[kinds] = { cluster_ips, 1000, 256, 1u << 30, 1u << 30, cluster_ips };
	snprintf(text, sizeof text, forms[kind], of % limits[kind], (unsigned long long)seed);
	name_of_text(text, &name);
	uint8_t head[header_octets] = { (uint8_t)(asked >> 8), (uint8_t)asked, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0 };
	memcpy(query, head, header_octets);
	memcpy(query + header_octets, name.octets, (size_t)name.length);
	int at = header_octets + name.length;
	uint8_t tail[4] = { 0, kind == 4 ? type_aaaa : type_a, 0, 1 };
	memcpy(query + at, tail, 4);
	return at + 4;
}

static int from_own_address(int type)
{
	struct sockaddr_in own = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(own_address) };
	int fd = socket(AF_INET, type, 0);
	return fd >= 0 && bind(fd, (struct sockaddr *)&own, sizeof own) == 0 ? fd : -1;
}

/* Octets of the reply; 0: none came in time. */
static int ask(int fd, const struct sockaddr_in *server, int over_tcp, const uint8_t *query, int length, uint8_t *reply)
{
	uint8_t frame[514] = { (uint8_t)(length >> 8), (uint8_t)length };
	unsigned began = milliseconds(), passed;
	int got = 0;
	if (over_tcp) {
		memcpy(frame + 2, query, (size_t)length);
		if (connect(fd, (const struct sockaddr *)server, sizeof *server) < 0 || send(fd, frame, (size_t)length + 2, 0) < 0) return 0;
	} else if (sendto(fd, query, (size_t)length, 0, (const struct sockaddr *)server, sizeof *server) < 0) return 0;
	while ((passed = milliseconds() - began) < patience) {
		struct pollfd polled = { fd, POLLIN, 0 };
		if (poll(&polled, 1, (int)(patience - passed)) <= 0) continue;
		ssize_t more = recv(fd, reply + got, 4096 - (size_t)got, 0);
		if (more <= 0) return 0;
		got += (int)more;
		if (!over_tcp && reply[0] == query[0] && reply[1] == query[1]) return got;
		if (!over_tcp) got = 0;
		else if (got >= 2 && got >= 2 + u16_at(reply)) {
			memmove(reply, reply + 2, (size_t)got - 2);
			return got - 2;
		}
	}
	return 0;
}

int stand_by(int port, uint64_t seed)
{
	struct sockaddr_in server = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	unsigned asked[kinds] = { 0 }, wrong[kinds] = { 0 }, missing[kinds] = { 0 }, refused[kinds] = { 0 }, slowest[kinds] = { 0 }, number = 0;
	int udp_fd = from_own_address(SOCK_DGRAM);
	struct pollfd input = { 0, POLLIN, 0 };
	for (; poll(&input, 1, pause_milliseconds) == 0; number++) {
		uint8_t query[512], reply[4096 + 2];
		struct facts facts;
		int kind = (int)(number % kinds), known = 0, shed = 0, length = make_query(query, number, seed), over_tcp = kind == 5;
		int fd = over_tcp ? from_own_address(SOCK_STREAM) : udp_fd;
		unsigned began = milliseconds();
		int got = ask(fd, &server, over_tcp, query, length, reply);
		unsigned took = milliseconds() - began;
		if (over_tcp) close(fd);
		asked[kind]++;
		if (took > slowest[kind]) slowest[kind] = took;
		if (got == 0) {
			missing[kind]++;
			continue;
		}
		look_at(query, (size_t)length, over_tcp ? tcp : udp, own_address, &facts);
		const char *fault = got < header_octets ? "no message" : judge(query, &facts, reply, (size_t)got, over_tcp ? tcp : udp, own_address, &known, &shed);
		if (!fault && shed) refused[kind]++;
		else if (!fault && !known) fault = "an answer that nobody can judge";
		if (!fault) continue;
		if (wrong[kind]++ < 10) printf("FAILED bystander, %s: %s\n", kind_names[kind], fault), fflush(stdout);
	}
	printf("{\"way\":\"bystander\"");
	for (int i = 0; i < kinds; i++) printf(",\"%s\":{\"asked\":%u,\"wrong\":%u,\"missing\":%u,\"refused\":%u,\"slowest\":%u}", kind_names[i], asked[i], wrong[i], missing[i], refused[i], slowest[i]);
	printf("}\n");
	return 0;
}
