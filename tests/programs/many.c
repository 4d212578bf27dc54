// An HTTP server on port 8080 that keeps every connection open: one thread, one epoll set, nothing kept per connection.
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nopen\n";

static void check(int result, const char *what) {
    if (result < 0) {
        perror(what);
        exit(1);
    }
}

int main(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(8080)};
    int listener = socket(AF_INET, SOCK_STREAM, 0), set = epoll_create1(0);
    check(bind(listener, (struct sockaddr *)&address, sizeof address), "bind");
    check(listen(listener, 4096), "listen");
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[64];
    check(epoll_ctl(set, EPOLL_CTL_ADD, listener, &event), "epoll_ctl");
    puts("ready");
    fflush(stdout);
    for (;;) {
        int count = epoll_wait(set, events, 64, -1);
        check(count, "epoll_wait");
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                fd = accept(listener, NULL, NULL);
                check(fd, "accept");
                event = (struct epoll_event){.events = EPOLLIN, .data.fd = fd};
                check(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
                continue;
            }
            char request[2048];
            ssize_t length = read(fd, request, sizeof request);
            if (length <= 0 || write(fd, answer, sizeof answer - 1) != (ssize_t)sizeof answer - 1) close(fd);
        }
    }
}
