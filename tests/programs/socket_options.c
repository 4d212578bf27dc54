// Options of sockets: what is set is got; what shares a port.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static void say(const char *what, long result) {
    printf("%s: %ld %s\n", what, result, result < 0 ? strerrorname_np(errno) : "");
}

static int get(int fd, int level, int option) {
    int value = -1;
    socklen_t size = sizeof value;
    if (getsockopt(fd, level, option, &value, &size) < 0) return -errno;
    return value;
}

static void set(int fd, int level, int option, const char *what, int value) {
    int result = setsockopt(fd, level, option, &value, sizeof value);
    printf("%s = %d: %s, %d\n", what, value, result < 0 ? strerrorname_np(errno) : "ok", get(fd, level, option));
}
#define SET(fd, level, option, value) set(fd, level, option, #option, value)

static int bound(int type, int option, struct sockaddr_in *address, int *result) {
    int fd = socket(AF_INET, type, 0), one = 1;
    if (option) setsockopt(fd, SOL_SOCKET, option, &one, sizeof one);
    *result = bind(fd, (struct sockaddr *)address, sizeof *address);
    socklen_t size = sizeof *address;
    if (*result == 0) getsockname(fd, (struct sockaddr *)address, &size);
    return fd;
}

static void sharing(const char *name, int type, int option) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int first, second, third;
    int fds[3] = {bound(type, option, &address, &first), bound(type, option, &address, &second), bound(type, 0, &address, &third)};
    printf("%s: first %d, second %d, another %d\n", name, first, second, third);
    if (type == SOCK_STREAM) {
        say("the first listens", listen(fds[0], 1));
        say("the second listens", second == 0 ? listen(fds[1], 1) : 0);
    }
    for (int i = 0; i < 3; i++) close(fds[i]);
}

int main(void) {
    int tcp = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET6, SOCK_DGRAM, 0);
    printf("TCP: type %d, domain %d, protocol %d, listens %d\n", get(tcp, SOL_SOCKET, SO_TYPE), get(tcp, SOL_SOCKET, SO_DOMAIN),
           get(tcp, SOL_SOCKET, SO_PROTOCOL), get(tcp, SOL_SOCKET, SO_ACCEPTCONN));
    printf("UDP: type %d, domain %d, protocol %d, error %d\n", get(udp, SOL_SOCKET, SO_TYPE), get(udp, SOL_SOCKET, SO_DOMAIN),
           get(udp, SOL_SOCKET, SO_PROTOCOL), get(udp, SOL_SOCKET, SO_ERROR));
    SET(tcp, SOL_SOCKET, SO_REUSEADDR, 1);
    SET(tcp, SOL_SOCKET, SO_REUSEADDR, 0);
    SET(tcp, SOL_SOCKET, SO_REUSEPORT, 5);
    SET(tcp, SOL_SOCKET, SO_KEEPALIVE, 1);
    SET(tcp, SOL_SOCKET, SO_SNDBUF, 30000);
    SET(tcp, SOL_SOCKET, SO_RCVBUF, 30000);
    SET(tcp, SOL_SOCKET, SO_SNDBUF, 1);
    SET(tcp, SOL_SOCKET, SO_RCVBUF, 1);
    SET(tcp, SOL_SOCKET, SO_OOBINLINE, 0);
    SET(tcp, SOL_SOCKET, SO_PRIORITY, 0);
    SET(tcp, IPPROTO_TCP, TCP_NODELAY, 1);
    SET(tcp, IPPROTO_TCP, TCP_CORK, 1);
    SET(tcp, IPPROTO_TCP, TCP_CORK, 0);
    SET(tcp, IPPROTO_TCP, TCP_KEEPIDLE, 30);
    SET(tcp, IPPROTO_TCP, TCP_KEEPIDLE, 0);
    SET(tcp, IPPROTO_TCP, TCP_KEEPINTVL, 5);
    SET(tcp, IPPROTO_TCP, TCP_KEEPCNT, 3);
    SET(tcp, IPPROTO_TCP, TCP_KEEPCNT, 128);
    SET(tcp, IPPROTO_TCP, TCP_USER_TIMEOUT, 20000);
    SET(tcp, IPPROTO_IP, IP_TTL, 64);
    SET(udp, SOL_SOCKET, SO_BROADCAST, 1);
    SET(udp, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    SET(udp, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);

    struct timeval limit = {0, 20000}, told;
    socklen_t size = sizeof told;
    say("a time limit", setsockopt(udp, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit));
    getsockopt(udp, SOL_SOCKET, SO_RCVTIMEO, &told, &size);
    printf("it is at least 20 ms: %d\n", told.tv_sec == 0 && told.tv_usec >= 20000);
    char byte;
    struct sockaddr_in6 any = {.sin6_family = AF_INET6};
    bind(udp, (struct sockaddr *)&any, sizeof any);
    say("waiting with a limit", recv(udp, &byte, 1, 0));
    struct linger linger = {1, 3}, lingers = {0, 0};
    say("linger", setsockopt(tcp, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
    size = sizeof lingers;
    say("and what it is", getsockopt(tcp, SOL_SOCKET, SO_LINGER, &lingers, &size));
    printf("on %d, %d s, %d bytes\n", lingers.l_onoff, lingers.l_linger, size);
    struct tcp_info info;
    size = sizeof info;
    say("TCP_INFO", getsockopt(tcp, IPPROTO_TCP, TCP_INFO, &info, &size));
    printf("closed: %d\n", info.tcpi_state == TCP_CLOSE);
    short half = -1;
    size = sizeof half;
    say("a short value", getsockopt(tcp, SOL_SOCKET, SO_TYPE, &half, &size));
    printf("%d in %d bytes\n", half, size);

    sharing("nothing", SOCK_STREAM, 0);
    sharing("SO_REUSEADDR", SOCK_STREAM, SO_REUSEADDR);
    sharing("SO_REUSEPORT", SOCK_STREAM, SO_REUSEPORT);
    sharing("UDP, nothing", SOCK_DGRAM, 0);
    sharing("UDP, SO_REUSEADDR", SOCK_DGRAM, SO_REUSEADDR);
    sharing("UDP, SO_REUSEPORT", SOCK_DGRAM, SO_REUSEPORT);
}
