/*
 * Datagrams. Each socket has so many unanswered ones under way that no queue can be full, so whatever has no reply is lost
 * by the server. A packet comes from an address of its own.
 */
#define _GNU_SOURCE
#include "flood.h"
#include "generate.h"
#include "pace.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A server that has just begun is slow: the windows open with what it has answered. */
enum { first_window = 4, per_place = 4000 };
enum { sockets_v4 = 14, sockets_v6 = 2, sockets = sockets_v4 + sockets_v6, batch = 32, window = 48, window_v6 = 12, window_octets = 24 << 10, longest = 65507 };
enum state { unused, waits, must_not, may, is_late };

struct slot { uint64_t number; uint32_t client, at; uint16_t octets; uint8_t state; };
struct one_socket { int fd, family, outstanding, octets; uint16_t next; struct slot *slots; };
struct source { union { char octets[64]; struct cmsghdr align; } u; };

static struct one_socket all[sockets];
static uint8_t packets[batch][65536];
static struct source controls[64];
static struct sockaddr_storage names[64];
static struct iovec vectors[64];
static struct mmsghdr headers[64];
static struct sockaddr_in server4;
static struct sockaddr_in6 server6;

static int open_socket(struct one_socket *socket_, int family)
{
	int on = 1, wanted = 8 << 20;
	struct sockaddr_in any = { .sin_family = AF_INET };
	struct sockaddr_in6 local = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	socket_->family = family;
	socket_->fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	socket_->slots = calloc(65536, sizeof *socket_->slots);
	if (socket_->fd < 0 || !socket_->slots) return perror("socket"), 0;
	if (setsockopt(socket_->fd, SOL_SOCKET, SO_RCVBUFFORCE, &wanted, sizeof wanted) < 0) setsockopt(socket_->fd, SOL_SOCKET, SO_RCVBUF, &wanted, sizeof wanted);
	setsockopt(socket_->fd, SOL_SOCKET, SO_SNDBUF, &wanted, sizeof wanted);
	if (family == AF_INET) setsockopt(socket_->fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
	int bound = family == AF_INET ? bind(socket_->fd, (struct sockaddr *)&any, sizeof any) : bind(socket_->fd, (struct sockaddr *)&local, sizeof local);
	return bound == 0 ? 1 : (perror("bind"), 0);
}

/* The source address of a datagram (ip(7)). */
static void send_from(struct msghdr *header, struct source *source, uint32_t client)
{
	struct in_pktinfo info = { .ipi_spec_dst.s_addr = htonl(client) };
	header->msg_control = source->u.octets;
	header->msg_controllen = CMSG_SPACE(sizeof info);
	struct cmsghdr *control = CMSG_FIRSTHDR(header);
	control->cmsg_level = IPPROTO_IP;
	control->cmsg_type = IP_PKTINFO;
	control->cmsg_len = CMSG_LEN(sizeof info);
	memcpy(CMSG_DATA(control), &info, sizeof info);
}

static void prepare(const struct settings *settings, struct counts *counts, struct one_socket *socket_, uint64_t number, int i)
{
	struct facts facts;
	uint32_t client = client_of(settings->seed, number);
	size_t length = generate(settings->seed, number, packets[i], longest);
	look_at(packets[i], length, udp, client, &facts);
	if (length >= 2) {
		struct slot *slot = &socket_->slots[socket_->next];
		/* One that is still waited for keeps its number. */
		while (slot->state == waits) slot = &socket_->slots[++socket_->next];
		packets[i][0] = (uint8_t)(socket_->next >> 8);
		packets[i][1] = (uint8_t)socket_->next;
		*slot = (struct slot){ number, client, milliseconds(), (uint16_t)length, facts.due == one_reply ? waits : facts.due == perhaps ? may : must_not };
		socket_->next++;
	}
	if (facts.due == one_reply) socket_->outstanding++, socket_->octets += (int)length, counts->due++;
	vectors[i] = (struct iovec){ packets[i], length };
	headers[i].msg_hdr = (struct msghdr){ .msg_iov = &vectors[i], .msg_iovlen = 1 };
	if (socket_->family == AF_INET) {
		headers[i].msg_hdr.msg_name = &server4;
		headers[i].msg_hdr.msg_namelen = sizeof server4;
		send_from(&headers[i].msg_hdr, &controls[i], client);
	} else {
		headers[i].msg_hdr.msg_name = &server6;
		headers[i].msg_hdr.msg_namelen = sizeof server6;
	}
}

static void send_batch(struct one_socket *socket_, int ready)
{
	for (int sent = 0; sent < ready;) {
		int now = sendmmsg(socket_->fd, headers + sent, (unsigned)(ready - sent), 0);
		if (now > 0) sent += now;
		else if (errno == EAGAIN || errno == ENOBUFS) {
			struct pollfd polled = { socket_->fd, POLLOUT, 0 };
			poll(&polled, 1, 10);
		} else if (errno != ECONNREFUSED) {
			perror("sendmmsg");
			exit(2);
		}
	}
}

static uint32_t arrived_at(struct msghdr *header)
{
	for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control; control = CMSG_NXTHDR(header, control))
		if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO) return ntohl(((struct in_pktinfo *)CMSG_DATA(control))->ipi_addr.s_addr);
	return 0;
}

static void take(const struct settings *settings, struct counts *counts, struct one_socket *socket_, const uint8_t *reply, size_t length, uint32_t client)
{
	if (length < header_octets) {
		report(settings, counts, 0, client, "a reply that is no message", reply, length);
		return;
	}
	struct slot *slot = &socket_->slots[u16_at(reply)];
	if (slot->state == is_late) counts->late++;
	else if (slot->state != waits && slot->state != may && !settings->record) {
		report(settings, counts, slot->number, client, slot->state == must_not ? "a reply to what deserves none" : "a second reply", reply, length);
		return;
	}
	if (client != slot->client) report(settings, counts, slot->number, client, "a reply for another client", reply, length);
	if (slot->state == waits) {
		unsigned took = milliseconds() - slot->at;
		if (took > counts->slowest) counts->slowest = took;
		socket_->outstanding--;
		socket_->octets -= slot->octets;
	}
	if (slot->state != unused && settings->record) record_reply(settings, slot->number, reply, (int)length);
	take_reply(settings, counts, slot->number, slot->client, reply, length);
	slot->state = unused;
}

static int receive(const struct settings *settings, struct counts *counts, struct one_socket *socket_)
{
	static uint8_t replies[64][4096];
	int taken = 0;
	for (;;) {
		for (int i = 0; i < 64; i++) {
			vectors[i] = (struct iovec){ replies[i], sizeof replies[i] };
			headers[i].msg_hdr = (struct msghdr){ &names[i], sizeof names[i], &vectors[i], 1, controls[i].u.octets, sizeof controls[i], 0 };
		}
		int received = recvmmsg(socket_->fd, headers, 64, MSG_DONTWAIT, 0);
		if (received <= 0) return taken;
		taken += received;
		for (int i = 0; i < received; i++)
			take(settings, counts, socket_, replies[i], headers[i].msg_len, socket_->family == AF_INET ? arrived_at(&headers[i].msg_hdr) : 0);
		if (received < 64) return taken;
	}
}

/* Gives up on what has waited for too long. */
static void expire(const struct settings *settings, struct counts *counts, struct one_socket *socket_, unsigned now)
{
	for (int id = 0; id < 65536 && socket_->outstanding > 0; id++) {
		struct slot *slot = &socket_->slots[id];
		if (slot->state != waits || now - slot->at < settings->patience) continue;
		slot->state = is_late;
		socket_->outstanding--;
		socket_->octets -= slot->octets;
		counts->missing++;
		if (settings->record) record_reply(settings, slot->number, 0, -1);
		else if (counts->missing <= 20) printf("MISSING UDP, seed %llu, packet %llu, from %08x\n", (unsigned long long)settings->seed, (unsigned long long)slot->number, slot->client);
	}
}

static int is_of(const struct one_socket *socket_, const struct settings *settings, uint64_t number)
{
	return (client_of(settings->seed, number) == 0) == (socket_->family == AF_INET6);
}

int flood_udp(const struct settings *settings, struct counts *counts)
{
	struct pollfd polled[sockets];
	uint64_t next = settings->from, end = settings->from + settings->packets;
	unsigned looked = milliseconds(), told = looked;
	server4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)settings->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	server6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)settings->port), .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	for (int i = 0; i < sockets; i++) {
		if (!open_socket(&all[i], i < sockets_v4 ? AF_INET : AF_INET6)) return 2;
		polled[i] = (struct pollfd){ all[i].fd, POLLIN, 0 };
	}
	for (;;) {
		int moved = 0, outstanding = 0, open = first_window + (int)(counts->replies / per_place);
		int waits_for_others = is_ahead(next - settings->from);
		for (int s = 0; s < sockets; s++) {
			int ready = 0;
			int places = all[s].family == AF_INET6 ? window_v6 : open < window ? open : window;
			while (!waits_for_others && next < end && ready < batch && is_of(&all[s], settings, next) && all[s].outstanding < places && all[s].octets < window_octets) prepare(settings, counts, &all[s], next++, ready++);
			send_batch(&all[s], ready);
			counts->sent += (uint64_t)ready;
			moved += ready + receive(settings, counts, &all[s]);
			outstanding += all[s].outstanding;
		}
		unsigned now = milliseconds();
		if (settings->until && now > settings->until) end = next;
		if (now - looked > 1000) {
			for (int s = 0; s < sockets; s++) expire(settings, counts, &all[s], now);
			looked = now;
		}
		if (now - told > 5000) progress(settings, counts), told = now;
		if (moved == 0 && next == end && outstanding == 0) break;
		if (moved == 0) poll(polled, sockets, 20);
	}
	/* What comes yet comes twice. */
	usleep(300000);
	for (int s = 0; s < sockets; s++) receive(settings, counts, &all[s]);
	return counts->wrong || counts->missing;
}
