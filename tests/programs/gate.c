// Answers all that reaches it: HTTP on the TCP ports 8080 and 8081, an echo on the UDP port 5000, over IPv4 and IPv6.
// GET /mem answers with the bytes of memory in use, by sysinfo(2). One thread: its own memory does not grow.
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <unistd.h>

enum { LISTENERS = 2, FIRST_CLIENT = 3, SLOTS = 128 };

static struct pollfd slots[SLOTS];

static void check(int result, const char *what) {
    if (result < 0) {
        perror(what);
        exit(1);
    }
}

static int bound(int kind, int port) {
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = in6addr_any};
    int one = 1, no = 0;
    int fd = socket(AF_INET6, kind, 0);
    check(fd, "socket");
    check(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one), "SO_REUSEADDR");
    check(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no), "IPV6_V6ONLY");
    check(bind(fd, (struct sockaddr *)&address, sizeof address), "bind");
    if (kind == SOCK_STREAM) check(listen(fd, 64), "listen");
    return fd;
}

static void answer(int fd) {
    char request[2048], body[64], response[256];
    ssize_t length = read(fd, request, sizeof request - 1);
    if (length <= 0) return;
    request[length] = 0;
    if (strncmp(request, "GET /mem ", 9) == 0) {
        struct sysinfo info;
        check(sysinfo(&info), "sysinfo");
        sprintf(body, "%llu\n", (unsigned long long)(info.totalram - info.freeram) * info.mem_unit);
    } else {
        strcpy(body, "through the gate\n");
    }
    int size = sprintf(response, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s", strlen(body), body);
    if (write(fd, response, size) != size) perror("write");
}

static void take(int listener) {
    int fd = accept(listener, NULL, NULL);
    if (fd < 0) return;
    for (int i = FIRST_CLIENT; i < SLOTS; i++) {
        if (slots[i].fd < 0) {
            slots[i].fd = fd;
            return;
        }
    }
    close(fd);
}

static void echo(int fd) {
    char datagram[2048];
    struct sockaddr_storage from;
    socklen_t size = sizeof from;
    ssize_t length = recvfrom(fd, datagram, sizeof datagram, 0, (struct sockaddr *)&from, &size);
    if (length >= 0) sendto(fd, datagram, length, 0, (struct sockaddr *)&from, size);
}

int main(void) {
    for (int i = 0; i < SLOTS; i++) slots[i] = (struct pollfd){.fd = -1, .events = POLLIN};
    slots[0].fd = bound(SOCK_STREAM, 8080);
    slots[1].fd = bound(SOCK_STREAM, 8081);
    slots[2].fd = bound(SOCK_DGRAM, 5000);
    puts("ready");
    fflush(stdout);
    for (;;) {
        check(poll(slots, SLOTS, -1), "poll");
        for (int i = 0; i < SLOTS; i++) {
            if (slots[i].revents == 0) continue;
            if (i < LISTENERS) take(slots[i].fd);
            else if (i < FIRST_CLIENT) echo(slots[i].fd);
            else {
                answer(slots[i].fd);
                close(slots[i].fd);
                slots[i].fd = -1;
            }
        }
    }
}
