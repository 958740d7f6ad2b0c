/*
 * Connections: messages pipelined and cut at random offsets, lengths that lie, ends of all kinds. Those that behave must get
 * each reply that they deserve.
 */
#define _GNU_SOURCE
#include "flood.h"
#include "generate.h"
#include "pace.h"
#include "random.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* Times as long as for a datagram: on a busy machine the main thread, which has the connections, waits for longest. */
enum { patience_of_connections = 10 };
enum { connections = 40, most_messages = 256, room = 200 << 10, longest = 65535, refusal_octets = 4 };
/* Each costs the server as much memory as eight without TLS. */
enum { secure_connections = 8 };
/* How a connection ends. The first has all its replies; the others make no promise for those that are under way. */
enum ending { half_closes, announces_more, half_a_length, resets, closes, lies, endings };
enum state { unused, waits, must_not, may, answered_once };

struct connection {
	int fd, out_length, out_at, in_length, messages, generated, outstanding, window, fragment, ended, watched;
	enum ending ending;
	uint32_t client;
	unsigned moved;
	uint64_t first;
	struct random random;
	/* Of the messages in `out`: the first, and where each ends. */
	int filled_from, ends[most_messages];
	uint8_t states[most_messages], out[room], in[2 + longest];
};

static struct connection *all;
static int epoll;

static void watch(struct connection *connection, unsigned events)
{
	struct epoll_event event = { .events = events, .data.ptr = connection };
	epoll_ctl(epoll, connection->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, connection->fd, &event);
	connection->watched = 1;
}

static int connect_from(struct connection *connection, int port)
{
	struct sockaddr_in server = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in own = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(connection->client) };
	struct sockaddr_in6 server6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port), .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int on = 1, is_v4 = connection->client != 0, fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM, 0);
	if (fd < 0) return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
	if (is_v4 && bind(fd, (struct sockaddr *)&own, sizeof own) < 0) return close(fd), -1;
	if ((is_v4 ? connect(fd, (struct sockaddr *)&server, sizeof server) : connect(fd, (struct sockaddr *)&server6, sizeof server6)) < 0) return close(fd), -1;
	return fd;
}

/* Connection `index` of the seed has messages from its own hundreds. Gives how many it will send. */
static int begin(const struct settings *settings, struct counts *counts, struct connection *connection, uint64_t index, uint64_t most)
{
	struct random random = random_of(settings->seed ^ 0x7c9 ^ (uint64_t)settings->transport << 32, index);
	connection->first = settings->from + index * most_messages;
	connection->client = one_in(&random, 8) ? 0 : client_of(settings->seed, connection->first);
	connection->messages = (int)(one_in(&random, 8) ? 1 + below(&random, 4) : 1 + below(&random, most_messages));
	if ((uint64_t)connection->messages > most) connection->messages = (int)most;
	connection->ending = one_in(&random, 5) ? (enum ending)below(&random, endings) : half_closes;
	connection->window = one_in(&random, 4) ? 1 + (int)below(&random, 4) : 1 + (int)below(&random, 100);
	static const int fragments[8] = { room, room, room, room, 1500, 1500, 100, 3 };
	connection->fragment = fragments[below(&random, 8)];
	if (connection->fragment == 3 && connection->messages > 8) connection->messages = 8;
	connection->random = random;
	connection->out_length = connection->out_at = connection->in_length = connection->filled_from = connection->generated = connection->outstanding = connection->ended = connection->watched = 0;
	memset(connection->states, unused, sizeof connection->states);
	connection->moved = milliseconds();
	connection->fd = connect_from(connection, settings->port);
	if (connection->fd < 0) return -1;
	counts->connections++;
	watch(connection, EPOLLIN | EPOLLOUT);
	return connection->messages;
}

static void put_message(const struct settings *settings, struct counts *counts, struct connection *connection)
{
	uint64_t number = connection->first + (uint64_t)connection->generated;
	uint8_t *frame = connection->out + connection->out_length;
	struct facts facts;
	size_t length = generate(settings->seed, number, frame + 2, longest);
	look_at(frame + 2, length, settings->transport, connection->client, &facts);
	if (is_requested(settings->transport) && length >= 2) facts.due = one_reply;
	frame[0] = (uint8_t)(length >> 8);
	frame[1] = (uint8_t)length;
	if (length > 0) frame[2] = (uint8_t)(connection->generated >> 8);
	if (length > 1) frame[3] = (uint8_t)connection->generated;
	connection->ends[connection->generated] = connection->out_length + 2 + (int)length;
	connection->states[connection->generated++] = facts.due == one_reply ? waits : facts.due == perhaps ? may : must_not;
	if (facts.due == one_reply) connection->outstanding++, counts->due++;
	connection->out_length += 2 + (int)length;
	counts->sent++;
}

/* What comes behind the last message. */
static void put_ending(struct connection *connection)
{
	uint8_t *at = connection->out + connection->out_length;
	static const uint8_t more[8] = { 0, 200, 1, 2, 3, 4, 5, 6 };
	if (connection->ending == announces_more) memcpy(at, more, 8), connection->out_length += 8;
	if (connection->ending == half_a_length) *at = 0, connection->out_length++;
	/* The length is that of the header, what is behind it is taken for the next length. */
	static const uint8_t lie[24] = { 0, 12, 0xff, 0xff, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, 'a', 'b', 'c', 0, 0, 1, 0, 1, 0 };
	if (connection->ending == lies) memcpy(at, lie, 24), connection->out_length += 24;
}

static void fill(const struct settings *settings, struct counts *counts, struct connection *connection)
{
	if (connection->out_at < connection->out_length) return;
	connection->out_at = connection->out_length = 0;
	connection->filled_from = connection->generated;
	while (connection->generated < connection->messages && connection->outstanding < connection->window && connection->out_length < 32 << 10)
		put_message(settings, counts, connection);
	if (connection->generated == connection->messages && connection->ended == 0) put_ending(connection), connection->ended = 1;
}

static void end_connection(struct counts *counts, const struct settings *settings, struct connection *connection, const char *why)
{
	/* What has not been sent whole deserves nothing: a machine that is busy may make us late, too. */
	for (int id = connection->filled_from; id < connection->generated; id++)
		if (connection->states[id] == waits && connection->ends[id] > connection->out_at) connection->outstanding--, counts->due--;
	if (connection->outstanding > 0 && connection->ending == half_closes) {
		counts->cut++;
		counts->missing += (uint64_t)connection->outstanding;
		if (counts->cut <= 20)
			printf("MISSING %s, seed %llu, packets from %llu: %d of %d (window %d, fragments of %d): %s\n", way_titles[settings->transport], (unsigned long long)settings->seed,
				(unsigned long long)connection->first, connection->outstanding, connection->generated, connection->window, connection->fragment, why);
	}
	close(connection->fd);
	connection->fd = -1;
}

/* False when the connection has ended. */
static int send_some(struct counts *counts, const struct settings *settings, struct connection *connection)
{
	for (int turn = 0; turn < 4; turn++) {
		fill(settings, counts, connection);
		int left = connection->out_length - connection->out_at;
		if (left == 0) break;
		int now = connection->fragment == room ? left : 1 + (int)below(&connection->random, (uint32_t)connection->fragment);
		ssize_t sent = send(connection->fd, connection->out + connection->out_at, (size_t)(now < left ? now : left), MSG_DONTWAIT);
		if (sent < 0 && errno == EAGAIN) return 1;
		if (sent < 0) return end_connection(counts, settings, connection, strerror(errno)), 0;
		connection->out_at += (int)sent;
		connection->moved = milliseconds();
	}
	if (connection->out_at < connection->out_length) return 1;
	if (connection->ended == 1) {
		connection->ended = 2;
		if (connection->ending == resets || connection->ending == closes) {
			struct linger at_once = { 1, 0 };
			if (connection->ending == resets) setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
			return end_connection(counts, settings, connection, "ours"), 0;
		}
		shutdown(connection->fd, SHUT_WR);
	}
	watch(connection, EPOLLIN);
	return 1;
}

/* The relay says of which request the response is an error, not a reply: its ID and the status. */
static void take_refusal(const struct settings *settings, struct counts *counts, struct connection *connection, int id, const uint8_t *refusal)
{
	static uint8_t packet[longest];
	struct facts facts;
	uint64_t number = connection->first + (uint64_t)id;
	size_t length = generate(settings->seed, number, packet, longest);
	connection->outstanding--;
	connection->states[id] = answered_once;
	counts->refused++;
	look_at(packet, length, settings->transport, connection->client, &facts);
	if (!may_be_refused(packet, length, &facts)) report(settings, counts, number, connection->client, "a query is refused", refusal, refusal_octets);
}

static void take(const struct settings *settings, struct counts *counts, struct connection *connection, const uint8_t *reply, int length)
{
	int id = length >= 2 ? u16_at(reply) : most_messages;
	if (id == 0xffff && connection->ending == lies) return;
	if (length == refusal_octets && is_requested(settings->transport) && id < connection->generated && connection->states[id] == waits) {
		take_refusal(settings, counts, connection, id, reply);
		return;
	}
	if (length < header_octets || id >= connection->generated || (connection->states[id] != waits && connection->states[id] != may)) {
		report(settings, counts, connection->first + (uint64_t)(id < connection->generated ? id : 0), connection->client,
			id < connection->generated && connection->states[id] == answered_once ? "a second reply" : "a reply to what deserves none", reply, (size_t)length);
		return;
	}
	if (connection->states[id] == waits) connection->outstanding--;
	connection->states[id] = answered_once;
	take_reply(settings, counts, connection->first + (uint64_t)id, connection->client, reply, (size_t)length);
}

/* False when the connection has ended. */
static int receive_some(const struct settings *settings, struct counts *counts, struct connection *connection)
{
	ssize_t got = recv(connection->fd, connection->in + connection->in_length, sizeof connection->in - (size_t)connection->in_length, MSG_DONTWAIT);
	if (got < 0 && errno == EAGAIN) return 1;
	if (got <= 0) {
		if (got == 0 && connection->in_length > 0 && connection->ending == half_closes)
			report(settings, counts, connection->first, connection->client, "half a message at the end", connection->in, (size_t)connection->in_length);
		return end_connection(counts, settings, connection, got == 0 ? "the server has closed the connection" : strerror(errno)), 0;
	}
	connection->moved = milliseconds();
	connection->in_length += (int)got;
	int at = 0;
	while (connection->in_length - at >= 2 && connection->in_length - at >= 2 + u16_at(connection->in + at)) {
		take(settings, counts, connection, connection->in + at + 2, u16_at(connection->in + at));
		at += 2 + u16_at(connection->in + at);
	}
	connection->in_length -= at;
	memmove(connection->in, connection->in + at, (size_t)connection->in_length);
	if (connection->ended < 2 && connection->outstanding < connection->window) watch(connection, EPOLLIN | EPOLLOUT);
	return 1;
}

int flood_streams(const struct settings *settings, struct counts *counts)
{
	struct epoll_event events[connections];
	uint64_t index = 0, planned = 0;
	unsigned told = milliseconds();
	int open = 0, places = settings->transport == tcp ? connections : secure_connections;
	all = calloc(connections, sizeof *all);
	epoll = epoll_create1(0);
	for (int i = 0; i < places; i++) all[i].fd = -1;
	for (;;) {
		if (settings->until && milliseconds() > settings->until) planned = settings->packets;
		int waits_for_others = is_ahead(counts->sent);
		for (int i = 0; i < places && planned < settings->packets && !waits_for_others; i++) {
			if (all[i].fd >= 0) continue;
			int messages = begin(settings, counts, &all[i], index++, settings->packets - planned);
			if (messages < 0) return perror("connect"), 2;
			planned += (uint64_t)messages;
			open++;
		}
		if (open == 0 && planned >= settings->packets) break;
		int ready = epoll_wait(epoll, events, connections, 100);
		for (int i = 0; i < ready; i++) {
			struct connection *connection = events[i].data.ptr;
			if (events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP) && !receive_some(settings, counts, connection)) open--;
			else if (events[i].events & EPOLLOUT && !send_some(counts, settings, connection)) open--;
		}
		unsigned now = milliseconds();
		for (int i = 0; ready == 0 && i < places; i++)
			if (all[i].fd >= 0 && now - all[i].moved > patience_of_connections * settings->patience) end_connection(counts, settings, &all[i], "nothing moves"), open--;
		if (now - told > 5000) progress(settings, counts), told = now;
	}
	return counts->wrong || counts->missing;
}
