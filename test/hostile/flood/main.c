/*
 * Hostile packets by the million, from a seed, against a server on loopback; each reply is judged.
 *
 *   flood udp|tcp|dot|https|grpc PORT SEED FROM PACKETS [SECONDS [RECORD [PACE]]]   packets FROM to FROM + PACKETS - 1 of the seed, as many as can be sent
 *                                                   in SECONDS (0: all); with RECORD (-: none) they and their replies are
 *                                                   written to that file, and not judged; with PACE, a file, all ways send the
 *                                                   same part of their packets in the same time
 *   flood show SEED NUMBER                          that packet in hex
 *   flood upstream PORT                             the server that outside names are forwarded to
 *   flood bystander PORT SEED                       asks good questions until its standard input ends
 */
#include "flood.h"
#include "generate.h"
#include "pace.h"
#include "random.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const char *const way_names[transports] = { "udp", "tcp", "dot", "https", "grpc" };
const char *const way_titles[transports] = { "UDP", "TCP", "DoT", "DoH", "gRPC" };

enum { most_reported = 40 };
/* Packets in a row that are of one family: a batch. One batch in so many is of IPv6. */
enum { together = 32, sixteenth = 16 };

unsigned milliseconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (unsigned)(now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

uint32_t client_of(uint64_t seed, uint64_t number)
{
	if (number / together % sixteenth == 0) return 0;
	struct random random = random_of(seed ^ 0x5eed, number);
	/* The nets that the Corefile says something about are met often enough to be tested. */
	static const uint32_t nets[4] = { 66, 77, 88, 99 };
	uint32_t address = 127u << 24 | (1 + below(&random, 0xfffffe));
	return one_in(&random, 96) ? 127u << 24 | nets[below(&random, 4)] << 16 | (address & 0xffff) : address;
}

static void print_hex(const uint8_t *octets, size_t length)
{
	for (size_t i = 0; i < length && i < 300; i++) printf("%02x", octets[i]);
	if (length > 300) printf("... (%zu octets)", length);
}

void report(const struct settings *settings, struct counts *counts, uint64_t number, uint32_t client, const char *wrong, const uint8_t *reply,
	size_t length)
{
	static uint8_t packet[most_octets];
	static int reported;
	counts->wrong++;
	if (reported++ >= most_reported) return;
	printf("FAILED %s, seed %llu, packet %llu, from %u.%u.%u.%u: %s\n  sent  ", way_titles[settings->transport], (unsigned long long)settings->seed, (unsigned long long)number, client >> 24,
		client >> 16 & 255, client >> 8 & 255, client & 255, wrong);
	print_hex(packet, generate(settings->seed, number, packet, most_octets));
	printf("\n  reply ");
	print_hex(reply, length);
	printf("\n");
	fflush(stdout);
}

void record_reply(const struct settings *settings, uint64_t number, const uint8_t *reply, int length)
{
	static uint8_t packet[most_octets];
	uint32_t sent = (uint32_t)generate(settings->seed, number, packet, 65507);
	fwrite(&number, sizeof number, 1, settings->record);
	fwrite(&sent, sizeof sent, 1, settings->record);
	fwrite(packet, 1, sent, settings->record);
	fwrite(&length, sizeof length, 1, settings->record);
	if (length > 0) fwrite(reply, 1, (size_t)length, settings->record);
}

void take_reply(const struct settings *settings, struct counts *counts, uint64_t number, uint32_t client, const uint8_t *reply, size_t length)
{
	static uint8_t packet[most_octets];
	struct facts facts;
	enum transport transport = settings->transport;
	int known = 0, shed = 0;
	counts->replies++;
	counts->rcodes[reply[3] & 15]++;
	if (settings->record) return;
	size_t sent = generate(settings->seed, number, packet, transport == udp ? 65507 : 65535);
	look_at(packet, sent, transport, client, &facts);
	const char *wrong = judge(packet, &facts, reply, length, transport, client, &known, &shed);
	counts->sorts[facts.sort]++;
	counts->known += (uint64_t)known;
	counts->shed += (uint64_t)shed;
	if (wrong) report(settings, counts, number, client, wrong, reply, length);
}

void progress(const struct settings *settings, const struct counts *counts)
{
	static const char *const names[sorts] = { "silent", "notImplemented", "formatError", "headerAlone", "badVersion", "answered" };
	printf("{\"way\":\"%s\",\"seed\":%llu,\"sent\":%llu,\"due\":%llu,\"replies\":%llu,\"known\":%llu,\"shed\":%llu,\"wrong\":%llu,\"missing\":%llu,\"late\":%llu,\"refused\":%llu,"
		"\"connections\":%llu,\"cut\":%llu,\"slowest\":%u", way_names[settings->transport], (unsigned long long)settings->seed, (unsigned long long)counts->sent, (unsigned long long)counts->due,
		(unsigned long long)counts->replies, (unsigned long long)counts->known, (unsigned long long)counts->shed, (unsigned long long)counts->wrong,
		(unsigned long long)counts->missing, (unsigned long long)counts->late, (unsigned long long)counts->refused, (unsigned long long)counts->connections, (unsigned long long)counts->cut,
		counts->slowest);
	for (int i = 0; i < sorts; i++) printf(",\"%s\":%llu", names[i], (unsigned long long)counts->sorts[i]);
	printf(",\"rcodes\":[");
	for (int i = 0; i < 16; i++) printf("%s%llu", i ? "," : "", (unsigned long long)counts->rcodes[i]);
	printf("]}\n");
	fflush(stdout);
}

static int show(uint64_t seed, uint64_t number)
{
	static uint8_t packet[most_octets];
	size_t length = generate(seed, number, packet, most_octets);
	for (size_t i = 0; i < length; i++) printf("%02x", packet[i]);
	printf("\n");
	return 0;
}

int main(int count, char **arguments)
{
	const char *way = count > 1 ? arguments[1] : "";
	signal(SIGPIPE, SIG_IGN);
	if (count == 4 && strcmp(way, "show") == 0) return show(strtoull(arguments[2], 0, 10), strtoull(arguments[3], 0, 10));
	if (count == 3 && strcmp(way, "upstream") == 0) return serve_upstream(atoi(arguments[2]));
	if (count == 4 && strcmp(way, "bystander") == 0) return stand_by(atoi(arguments[2]), strtoull(arguments[3], 0, 10));
	enum transport transport = udp;
	while (transport < transports && strcmp(way, way_names[transport]) != 0) transport++;
	if (count < 6 || transport == transports) return fprintf(stderr, "usage: see main.c\n"), 2;
	struct settings settings = { .transport = transport, .port = atoi(arguments[2]), .seed = strtoull(arguments[3], 0, 10), .from = strtoull(arguments[4], 0, 10),
		.packets = strtoull(arguments[5], 0, 10), .patience = 30000 };
	struct counts counts = { 0 };
	if (count > 6 && atoi(arguments[6]) > 0) settings.until = milliseconds() + 1000 * (unsigned)atoi(arguments[6]);
	if (count > 7 && strcmp(arguments[7], "-") != 0 && !(settings.record = fopen(arguments[7], "wb"))) return perror(arguments[7]), 2;
	if (count > 8 && !keep_pace(arguments[8], transport, settings.packets)) return perror(arguments[8]), 2;
	int status = transport == udp ? flood_udp(&settings, &counts) : flood_streams(&settings, &counts);
	leave_pace();
	progress(&settings, &counts);
	if (settings.record) fclose(settings.record);
	return status;
}
