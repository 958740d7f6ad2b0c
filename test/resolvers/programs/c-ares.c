/*
 * Asks c-ares, as gRPC, curl or Envoy do: ares_getaddrinfo with the search list of /etc/resolv.conf.
 * Arguments and output are those of getaddrinfo.c, and SRV:NAME and TXT:NAME.
 */
#include <ares.h>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>

static const char *reason(int status)
{
	switch (status) {
	case ARES_ENOTFOUND:
		return "!not-found";
	case ARES_ENODATA:
		return "!no-data";
	case ARES_ESERVFAIL:
	case ARES_ETIMEOUT:
		return "!try-again";
	default:
		return ares_strerror(status);
	}
}

static void on_addresses(void *arg, int status, int timeouts, struct ares_addrinfo *list)
{
	(void)arg, (void)timeouts;
	if (status) {
		printf("%s", reason(status));
		return;
	}
	for (const struct ares_addrinfo_node *at = list->nodes; at; at = at->ai_next) {
		char text[INET6_ADDRSTRLEN];
		const void *octets = at->ai_family == AF_INET
			? (const void *)&((struct sockaddr_in *)at->ai_addr)->sin_addr
			: (const void *)&((struct sockaddr_in6 *)at->ai_addr)->sin6_addr;
		printf("%s ", inet_ntop(at->ai_family, octets, text, sizeof text));
	}
	ares_freeaddrinfo(list);
}

static void on_name(void *arg, int status, int timeouts, struct hostent *host)
{
	(void)arg, (void)timeouts;
	printf("%s", status ? reason(status) : host->h_name);
}

static void on_srv(void *arg, int status, int timeouts, unsigned char *reply, int length)
{
	struct ares_srv_reply *list;
	(void)arg, (void)timeouts;
	if (!status)
		status = ares_parse_srv_reply(reply, length, &list);
	if (status) {
		printf("%s", reason(status));
		return;
	}
	for (const struct ares_srv_reply *at = list; at; at = at->next)
		printf("%s:%d ", at->host, at->port);
	ares_free_data(list);
}

static void on_txt(void *arg, int status, int timeouts, unsigned char *reply, int length)
{
	struct ares_txt_reply *list;
	(void)arg, (void)timeouts;
	if (!status)
		status = ares_parse_txt_reply(reply, length, &list);
	if (status) {
		printf("%s", reason(status));
		return;
	}
	for (const struct ares_txt_reply *at = list; at; at = at->next)
		printf("%s ", (const char *)at->txt);
	ares_free_data(list);
}

static void ask_addresses(ares_channel channel, const char *name, int family)
{
	struct ares_addrinfo_hints hints = {.ai_family = family, .ai_socktype = SOCK_STREAM};
	ares_getaddrinfo(channel, name, NULL, &hints, on_addresses, NULL);
}

static void ask_name(ares_channel channel, const char *address)
{
	unsigned char octets[16];
	int family = strchr(address, ':') ? AF_INET6 : AF_INET;
	inet_pton(family, address, octets);
	ares_gethostbyaddr(channel, octets, family == AF_INET ? 4 : 16, family, on_name, NULL);
}

static void ask(ares_channel channel, const char *question)
{
	const char *what = strchr(question, ':') + 1;
	if (!strncmp(question, "PTR:", 4))
		ask_name(channel, what);
	else if (!strncmp(question, "SRV:", 4))
		ares_search(channel, what, C_IN, T_SRV, on_srv, NULL);
	else if (!strncmp(question, "TXT:", 4))
		ares_search(channel, what, C_IN, T_TXT, on_txt, NULL);
	else if (!strncmp(question, "AAAA:", 5))
		ask_addresses(channel, what, AF_INET6);
	else
		ask_addresses(channel, what, strncmp(question, "ANY:", 4) ? AF_INET : AF_UNSPEC);
}

static void wait_for_replies(ares_channel channel)
{
	for (;;) {
		fd_set readable, writable;
		struct timeval patience;
		FD_ZERO(&readable);
		FD_ZERO(&writable);
		int highest = ares_fds(channel, &readable, &writable);
		if (highest == 0)
			return;
		select(highest, &readable, &writable, NULL, ares_timeout(channel, NULL, &patience));
		ares_process(channel, &readable, &writable);
	}
}

int main(int count, char **words)
{
	ares_channel channel;
	ares_library_init(ARES_LIB_INIT_ALL);
	int status = ares_init(&channel);
	if (status) {
		fprintf(stderr, "%s\n", ares_strerror(status));
		return 1;
	}
	for (int at = 1; at < count; at++) {
		printf("%s\t", words[at]);
		ask(channel, words[at]);
		wait_for_replies(channel);
		printf("\n");
	}
	ares_destroy(channel);
	return 0;
}
