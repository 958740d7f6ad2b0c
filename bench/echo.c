/*
 * The kernel's floor for a UDP server: it receives and sends as slicedns's UDP thread does (recvmmsg and sendmmsg of 64,
 * MSG_DONTWAIT, poll when dry, the same socket options) and does nothing in between: each datagram goes back with QR set
 * and `extra` octets behind it, as long as an answer would be.
 *
 *   echo PORT [EXTRA [wildcard]]        wildcard: all addresses, with IP_PKTINFO
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { batch = 64, request = 4096 };

static char buffers[batch][request + 65536];
static char controls[batch][64];
static struct sockaddr_storage names[batch];
static struct iovec vectors[batch];
static struct mmsghdr headers[batch];

static void stop(int signal) { (void)signal; _exit(0); }

int main(int count, char **arguments)
{
	if (count < 2) return fprintf(stderr, "usage: echo PORT [EXTRA [wildcard]]\n"), 2;
	int extra = count > 2 ? atoi(arguments[2]) : 0, wildcard = count > 3, on = 1, wanted = 4 << 20, omit = 5;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(atoi(arguments[1])),
		.sin_addr.s_addr = htonl(wildcard ? INADDR_ANY : INADDR_LOOPBACK) };
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &wanted, sizeof wanted) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &wanted, sizeof wanted);
	setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &omit, sizeof omit);
	if (wildcard) setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) return perror("bind"), 1;
	signal(SIGTERM, stop);
	printf("echo on port %s\n", arguments[1]);
	fflush(stdout);

	struct pollfd polled = { fd, POLLIN, 0 };
	for (;;) {
		for (int i = 0; i < batch; i++) {
			vectors[i] = (struct iovec){ buffers[i], request };
			headers[i].msg_hdr = (struct msghdr){ &names[i], sizeof names[i], &vectors[i], 1, controls[i], 64, 0 };
		}
		int received = recvmmsg(fd, headers, batch, MSG_DONTWAIT, 0);
		if (received <= 0) {
			poll(&polled, 1, -1);
			continue;
		}
		for (int i = 0; i < received; i++) {
			buffers[i][2] |= 0x80;
			vectors[i].iov_len = headers[i].msg_len + extra;
			struct cmsghdr *control = CMSG_FIRSTHDR(&headers[i].msg_hdr);
			if (control) ((struct in_pktinfo *)CMSG_DATA(control))->ipi_ifindex = 0;
		}
		for (int sent = 0, now; sent < received; sent += now > 0 ? now : 1)
			now = sendmmsg(fd, headers + sent, received - sent, MSG_DONTWAIT);
	}
}
