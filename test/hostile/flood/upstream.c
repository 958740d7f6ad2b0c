/* The upstream of the flooded server: an address for each name that begins with an f, sixty for big ones, else a denial. */
#define _GNU_SOURCE
#include "flood.h"
#include "model.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { clients = 128, big_records = 60 };
struct client { int fd, length; uint8_t octets[2 + 65535]; };
static struct client tcp_clients[clients];

static int put_record(uint8_t *reply, int at, int owner, int type, const uint8_t *rdata, int length)
{
	uint8_t head[12] = { 0xc0 | owner >> 8, owner, 0, type, 0, 1, 0, 0, 0, 60, length >> 8, length };
	memcpy(reply + at, head, 12);
	memcpy(reply + at + 12, rdata, length);
	return at + 12 + length;
}

/* The reply's length, 0 for none. `reply` has room for 4,096 octets. */
static int answer(const uint8_t *query, int length, int over_tcp, uint8_t *reply)
{
	struct name name;
	static const uint8_t soa[] = { 0, 0, 0, 0, 0, 1, 0, 0, 14, 16, 0, 0, 2, 88, 0, 1, 81, 128, 0, 0, 0, 30 };
	int at = length < header_octets || query[2] & 0x80 || u16_at(query + 4) != 1 ? -1 : read_name(query, length, header_octets, &name, 0);
	if (at < 0 || at + 4 > length) return 0;
	int type = u16_at(query + at), is_big, rcode = 0, answers = 0, authorities = 0, truncated = 0, last = header_octets;
	uint8_t address[4];
	at += 4;
	memcpy(reply, query, at);
	/* A label in front of the root, to own the SOA record. */
	for (int label = header_octets; reply[label] != 0; label += 1 + reply[label]) last = label;
	is_big = name.octets[0] > 3 && strncasecmp((const char *)name.octets + 1, "big", 3) == 0;
	if (name.octets[0] > 0 && (name.octets[1] | 32) == 'f') {
		uint32_t value = htonl(upstream_address(&name));
		memcpy(address, &value, 4);
		if (type == type_a) at = put_record(reply, at, header_octets, type_a, address, 4), answers = 1;
	} else if (is_big && type == type_a) {
		if (!over_tcp) truncated = 2;
		else for (uint8_t i = 0; i < big_records; i++) {
			uint8_t one[4] = { 203, 0, 113, i };
			at = put_record(reply, at, header_octets, type_a, one, 4);
			answers++;
		}
	} else if (!is_big) rcode = 3;
	if (answers == 0 && !truncated) at = put_record(reply, at, last, type_soa, soa, sizeof soa), authorities = 1;
	reply[2] = (uint8_t)(0x80 | (query[2] & 0x79) | truncated);
	reply[3] = (uint8_t)(0x80 | (query[3] & 0x10) | rcode);
	memset(reply + 6, 0, 6);
	reply[7] = (uint8_t)answers;
	reply[9] = (uint8_t)authorities;
	return at;
}

static void serve_udp(int fd)
{
	static uint8_t queries[64][4096], replies[64][4096];
	static struct sockaddr_storage names[64];
	struct iovec vectors[64];
	struct mmsghdr headers[64];
	for (int i = 0; i < 64; i++) {
		vectors[i] = (struct iovec){ queries[i], 4096 };
		headers[i].msg_hdr = (struct msghdr){ &names[i], sizeof names[i], &vectors[i], 1, 0, 0, 0 };
	}
	int received = recvmmsg(fd, headers, 64, MSG_DONTWAIT, 0), ready = 0;
	for (int i = 0; i < received; i++) {
		int length = answer(queries[i], (int)headers[i].msg_len, 0, replies[i]);
		if (length == 0) continue;
		headers[ready].msg_hdr.msg_name = &names[i];
		headers[ready].msg_hdr.msg_namelen = headers[i].msg_hdr.msg_namelen;
		vectors[ready] = (struct iovec){ replies[i], (size_t)length };
		headers[ready].msg_hdr.msg_iov = &vectors[ready];
		ready++;
	}
	for (int sent = 0, now; sent < ready; sent += now > 0 ? now : 1) now = sendmmsg(fd, headers + sent, (unsigned)(ready - sent), 0);
}

/* False when the connection has ended. */
static int serve_tcp(struct client *client)
{
	ssize_t got = recv(client->fd, client->octets + client->length, sizeof client->octets - (size_t)client->length, 0);
	if (got <= 0) return 0;
	client->length += (int)got;
	while (client->length >= 2 && client->length >= 2 + u16_at(client->octets)) {
		uint8_t reply[2 + 4096];
		int frame = 2 + u16_at(client->octets), length = answer(client->octets + 2, frame - 2, 1, reply + 2);
		reply[0] = (uint8_t)(length >> 8);
		reply[1] = (uint8_t)length;
		if (length && send(client->fd, reply, (size_t)length + 2, 0) < 0) return 0;
		client->length -= frame;
		memmove(client->octets, client->octets + frame, (size_t)client->length);
	}
	return 1;
}

int serve_upstream(int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int udp_fd = socket(AF_INET, SOCK_DGRAM, 0), tcp_fd = socket(AF_INET, SOCK_STREAM, 0), on = 1, wanted = 8 << 20;
	struct pollfd polled[2 + clients];
	setsockopt(tcp_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	setsockopt(udp_fd, SOL_SOCKET, SO_RCVBUFFORCE, &wanted, sizeof wanted);
	if (bind(udp_fd, (struct sockaddr *)&address, sizeof address) < 0 || bind(tcp_fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(tcp_fd, 64) < 0)
		return perror("upstream"), 2;
	printf("upstream on port %d\n", port);
	fflush(stdout);
	for (int i = 0; i < clients; i++) tcp_clients[i].fd = -1;
	for (;;) {
		polled[0] = (struct pollfd){ udp_fd, POLLIN, 0 };
		polled[1] = (struct pollfd){ tcp_fd, POLLIN, 0 };
		for (int i = 0; i < clients; i++) polled[2 + i] = (struct pollfd){ tcp_clients[i].fd, POLLIN, 0 };
		if (poll(polled, 2 + clients, -1) < 0) continue;
		if (polled[0].revents) serve_udp(udp_fd);
		for (int i = 0; i < clients; i++)
			if (polled[2 + i].revents && !serve_tcp(&tcp_clients[i])) close(tcp_clients[i].fd), tcp_clients[i].fd = -1;
		for (int i = 0; polled[1].revents && i < clients; i++)
			if (tcp_clients[i].fd < 0) {
				tcp_clients[i] = (struct client){ .fd = accept(tcp_fd, 0, 0) };
				break;
			}
	}
}
