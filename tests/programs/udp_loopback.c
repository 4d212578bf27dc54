// UDP within the machine: who gets what, truncation, peeking, connected sockets, many messages at once, control data.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static void say(const char *what, long result) {
    printf("%s: %ld %s\n", what, result, result < 0 ? strerrorname_np(errno) : "");
}

static struct sockaddr_in at(int port) {
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int bound(void) {
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in address = at(0);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) perror("bind");
    return fd;
}

static struct sockaddr_in name_of(int fd) {
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &size) < 0) perror("getsockname");
    return address;
}

static long send_to(int fd, const void *bytes, size_t length, struct sockaddr_in to) {
    return sendto(fd, bytes, length, 0, (struct sockaddr *)&to, sizeof to);
}

int main(void) {
    static char large[70000], buffer[70000];
    memset(large, 'x', sizeof large);
    int server = bound(), client = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in to = name_of(server), from;
    socklen_t size = sizeof from;
    say("nothing", recv(server, buffer, 10, MSG_DONTWAIT));
    say("without a destination", send(client, "x", 1, 0));
    say("sendto", send_to(client, "datagram", 8, to));
    say("an empty one", send_to(client, "", 0, to));
    say("the longest", send_to(client, large, 65507, to));
    say("too long", send_to(client, large, 65508, to));
    say("to port 0", send_to(client, "x", 1, at(0)));
    int available = 0;
    ioctl(server, FIONREAD, &available);
    printf("%d can be read\n", available);
    say("peek", recv(server, buffer, 4, MSG_PEEK));
    say("peek and its length", recv(server, buffer, 4, MSG_PEEK | MSG_TRUNC));
    say("recvfrom", recvfrom(server, buffer, sizeof buffer, 0, (struct sockaddr *)&from, &size));
    printf("from the client: %d\n", from.sin_port == name_of(client).sin_port);
    say("the empty one", recv(server, buffer, sizeof buffer, 0));
    struct iovec part = {buffer, 100};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    say("recvmsg of the longest", recvmsg(server, &message, 0));
    printf("truncated: %d\n", message.msg_flags == MSG_TRUNC);

    say("answer", send_to(server, "answer", 6, from));
    say("connect", connect(client, (struct sockaddr *)&to, sizeof to));
    int stranger = bound();
    send_to(stranger, "stranger", 8, name_of(client));
    say("the answer came before", recv(client, buffer, sizeof buffer, MSG_DONTWAIT));
    say("a stranger's did not", recv(client, buffer, sizeof buffer, MSG_DONTWAIT));
    say("send", send(client, "to the peer", 11, 0));
    say("read", read(server, buffer, sizeof buffer));
    struct sockaddr_in peer;
    size = sizeof peer;
    say("getpeername", getpeername(client, (struct sockaddr *)&peer, &size));
    printf("it is the server: %d\n", peer.sin_port == to.sin_port);
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    say("disconnect", connect(client, &none, sizeof none));
    say("no peer now", getpeername(client, (struct sockaddr *)&peer, &size));

    struct mmsghdr many[3];
    struct iovec parts[3] = {{"one", 3}, {"two!", 4}, {"three", 5}};
    memset(many, 0, sizeof many);
    for (int i = 0; i < 3; i++) {
        many[i].msg_hdr = (struct msghdr){.msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &parts[i], .msg_iovlen = 1};
    }
    say("sendmmsg", sendmmsg(client, many, 3, 0));
    printf("lengths %u %u %u\n", many[0].msg_len, many[1].msg_len, many[2].msg_len);
    char places[3][10];
    for (int i = 0; i < 3; i++) {
        parts[i] = (struct iovec){places[i], 10};
        many[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
    }
    say("recvmmsg", recvmmsg(server, many, 3, MSG_WAITFORONE, NULL));
    printf("%.3s %.4s %.5s\n", places[0], places[1], places[2]);
    say("recvmmsg of nothing", recvmmsg(server, many, 3, MSG_DONTWAIT, NULL));

    int one = 1;
    setsockopt(server, IPPROTO_IP, IP_PKTINFO, &one, sizeof one);
    send_to(client, "x", 1, to);
    char control[100];
    message = (struct msghdr){.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    say("recvmsg with control data", recvmsg(server, &message, 0));
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    struct in_pktinfo *info = (struct in_pktinfo *)CMSG_DATA(header);
    printf("%zu bytes, level %d, type %d, sent to %s\n", message.msg_controllen, header->cmsg_level, header->cmsg_type,
           inet_ntoa(info->ipi_addr));

    int gone = bound();
    struct sockaddr_in nobody = name_of(gone);
    close(gone);
    connect(client, (struct sockaddr *)&nobody, sizeof nobody);
    say("to nobody", send(client, "x", 1, 0));
    struct pollfd entry = {.fd = client, .events = POLLIN};
    poll(&entry, 1, 1000);
    printf("poll tells an error: %d\n", !!(entry.revents & POLLERR));
    say("and the next call tells it", recv(client, buffer, 1, MSG_DONTWAIT));
    say("once", recv(client, buffer, 1, MSG_DONTWAIT));

    int v6 = socket(AF_INET6, SOCK_DGRAM, 0);
    struct sockaddr_in6 any = {.sin6_family = AF_INET6};
    say("bind to ::", bind(v6, (struct sockaddr *)&any, sizeof any));
    size = sizeof any;
    getsockname(v6, (struct sockaddr *)&any, &size);
    say("IPv4 to it", send_to(server, "mapped", 6, at(ntohs(any.sin6_port))));
    struct sockaddr_in6 mapped;
    size = sizeof mapped;
    say("received", recvfrom(v6, buffer, sizeof buffer, 0, (struct sockaddr *)&mapped, &size));
    char text[INET6_ADDRSTRLEN];
    printf("from %s\n", inet_ntop(AF_INET6, &mapped.sin6_addr, text, sizeof text));
    any.sin6_addr = in6addr_loopback;
    say("to ::1", sendto(v6, "self", 4, 0, (struct sockaddr *)&any, sizeof any));
    say("it came", recv(v6, buffer, sizeof buffer, MSG_DONTWAIT));
}
