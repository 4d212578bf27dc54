// What calls on sockets refuse, and with which error.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static void say(const char *what, long result) {
    printf("%s: %ld %s\n", what, result, result < 0 ? strerrorname_np(errno) : "");
}

static volatile int signals;
static void count(int signal) { signals += signal == SIGPIPE; }

int main(void) {
    signal(SIGPIPE, count);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr *at = (struct sockaddr *)&address;
    socklen_t size = sizeof address;
    void *bad = (void *)8;
    char byte = 'x';
    int file = 0, closed = 99, one = 1;
    say("an unknown family", socket(200, SOCK_STREAM, 0));
    say("an unknown type", socket(AF_INET, 7, 0));
    say("another protocol", socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
    say("a pair of the internet", socketpair(AF_INET, SOCK_STREAM, 0, (int[2]){0, 0}));
    int tcp = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0), v6 = socket(AF_INET6, SOCK_STREAM, 0);
    say("bind what is closed", bind(closed, at, size));
    say("bind what is no socket", bind(file, at, size));
    say("bind to nowhere", bind(tcp, bad, size));
    say("bind to half an address", bind(tcp, at, 8));
    struct sockaddr_in foreign = address;
    foreign.sin_addr.s_addr = inet_addr("192.0.2.1");
    say("bind to another's address", bind(tcp, (struct sockaddr *)&foreign, size));
    say("bind IPv6 to IPv4", bind(v6, at, size));
    say("bind", bind(tcp, at, size));
    say("bind again", bind(tcp, at, size));
    getsockname(tcp, at, &size);
    int second = socket(AF_INET, SOCK_STREAM, 0);
    say("bind where another is", bind(second, at, size));
    say("bind UDP there", bind(udp, at, size));
    say("listen on what is closed", listen(closed, 1));
    say("listen on what is no socket", listen(file, 1));
    say("listen on UDP", listen(udp, 1));
    say("accept on what does not listen", accept(tcp, NULL, NULL));
    say("accept on UDP", accept(udp, NULL, NULL));
    say("accept with flags", accept4(tcp, NULL, NULL, 1));
    say("send on what is no connection", send(tcp, &byte, 1, 0));
    printf("signals: %d\n", signals);
    say("without a signal", send(tcp, &byte, 1, MSG_NOSIGNAL));
    printf("signals: %d\n", signals);
    say("receive on what is no connection", recv(tcp, &byte, 1, 0));
    say("shut down what is no connection", shutdown(tcp, SHUT_RDWR));
    say("shut down how", shutdown(udp, 7));
    say("peer of what is no connection", getpeername(tcp, at, &size));
    say("listen", listen(tcp, 1));
    say("connect what listens", connect(tcp, at, size));
    say("connect what is no socket", connect(file, at, size));
    say("connect to nowhere", connect(second, bad, size));
    say("connect to half an address", connect(second, at, 4));
    say("connect IPv6 to IPv4", connect(v6, at, size));
    say("connect", connect(second, at, size));
    say("connect again", connect(second, at, size));
    say("bind what is connected", bind(second, at, size));
    say("listen on what is connected", listen(second, 1));
    say("send from nowhere", send(second, bad, 10, 0));
    say("receive to nowhere", recv(tcp, bad, 10, MSG_DONTWAIT));
    say("out of band", recv(second, &byte, 1, MSG_OOB));
    say("a name to nowhere", getsockname(second, bad, &size));
    say("a length nowhere", getsockname(second, at, bad));
    socklen_t negative = -1;
    say("a negative length", getsockname(second, at, &negative));
    socklen_t shorter = 4;
    say("a short name", getsockname(second, at, &shorter));
    printf("whole length %d\n", shorter);
    say("option of what is no socket", setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one));
    say("option from nowhere", setsockopt(tcp, SOL_SOCKET, SO_REUSEADDR, bad, sizeof one));
    say("half an option", setsockopt(tcp, SOL_SOCKET, SO_REUSEADDR, &one, 2));
    say("an unknown option", setsockopt(tcp, SOL_SOCKET, 12345, &one, sizeof one));
    say("an unknown option's value", getsockopt(tcp, SOL_SOCKET, 12345, &one, &size));
    int long_idle = 40000;
    say("too long an idle time", setsockopt(tcp, IPPROTO_TCP, TCP_KEEPIDLE, &long_idle, sizeof long_idle));
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 2000};
    say("too many parts", sendmsg(second, &message, 0));
    say("a message nowhere", sendmsg(second, bad, 0));
    say("a message to nowhere", recvmsg(second, bad, MSG_DONTWAIT));
    say("nothing to send", send(second, "", 0, 0));
    struct sockaddr unknown = {.sa_family = 77};
    say("send to an unknown family", sendto(udp, &byte, 1, 0, &unknown, sizeof unknown));
    foreign.sin_addr.s_addr = INADDR_BROADCAST, foreign.sin_port = htons(9);
    say("broadcast without leave", sendto(udp, &byte, 1, 0, (struct sockaddr *)&foreign, sizeof foreign));
    say("seek", lseek(second, 0, SEEK_SET));
    say("truncate", ftruncate(second, 1));
    say("read at", pread(second, &byte, 1, 0));
}
