// Sockets within the machine: pairs, names, connections, files that are sent, and errors.
#include "say.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char large[1 << 20];
static int broken;

static void on_broken(int number) {
    (void)number;
    broken++;
}

static int events(int file) {
    struct pollfd poll_file = {.fd = file, .events = POLLIN | POLLOUT | POLLRDHUP};
    return poll(&poll_file, 1, 0) < 0 ? -1 : poll_file.revents;
}

static socklen_t name_of(struct sockaddr_un *address, const char *name) {
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    if (name[0] == '@') {
        memcpy(address->sun_path + 1, name + 1, strlen(name) - 1);
        return offsetof(struct sockaddr_un, sun_path) + strlen(name);
    }
    strcpy(address->sun_path, name);
    return offsetof(struct sockaddr_un, sun_path) + strlen(name) + 1;
}

static int bind_to(int file, const char *name) {
    struct sockaddr_un address;
    socklen_t length = name_of(&address, name);
    return bind(file, (struct sockaddr *)&address, length);
}

static int connect_to(int file, const char *name) {
    struct sockaddr_un address;
    socklen_t length = name_of(&address, name);
    return connect(file, (struct sockaddr *)&address, length);
}

static int send_to(int file, const char *text, const char *name) {
    struct sockaddr_un address;
    socklen_t length = name_of(&address, name);
    return sendto(file, text, strlen(text), 0, (struct sockaddr *)&address, length);
}

static void show_name(const char *what, struct sockaddr_un *address, socklen_t length) {
    printf("%s: length %u", what, length);
    if (length > 2) printf(", %s%s", address->sun_path[0] ? "" : "@", address->sun_path + !address->sun_path[0]);
    printf("\n");
}

static void names(const char *what, int file) {
    struct sockaddr_un address;
    socklen_t length = sizeof address;
    memset(&address, 0, sizeof address);
    if (getsockname(file, (struct sockaddr *)&address, &length)) return;
    show_name(what, &address, length);
    length = sizeof address;
    memset(&address, 0, sizeof address);
    if (getpeername(file, (struct sockaddr *)&address, &length)) printf("%s: peer %s\n", what, strerrorname_np(errno));
    else show_name(what, &address, length);
}

static int option(int file, int name) {
    int value = -1;
    socklen_t length = sizeof value;
    return getsockopt(file, SOL_SOCKET, name, &value, &length) ? -errno : value;
}

static void receive_from(const char *what, int file, size_t room) {
    struct sockaddr_un address;
    socklen_t length = sizeof address;
    char text[64] = {0};
    memset(&address, 0, sizeof address);
    ssize_t count = recvfrom(file, text, room, MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&address, &length);
    if (count < 0) {
        printf("%s: %s\n", what, strerrorname_np(errno));
        return;
    }
    printf("%s: %zd, %.*s; ", what, count, (int)room, text);
    show_name("from", &address, length);
}

static void pairs(void) {
    static const int kinds[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
    for (int i = 0; i < 3; i++) {
        int pair[2], waiting;
        char text[64] = {0};
        printf("kind %d\n", kinds[i]);
        say("socketpair", socketpair(AF_UNIX, kinds[i] | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair));
        printf("type %d, domain %d, accepts %d, error %d\n", option(pair[0], SO_TYPE), option(pair[0], SO_DOMAIN),
               option(pair[0], SO_ACCEPTCONN), option(pair[0], SO_ERROR));
        printf("flags %#x %#x\n", fcntl(pair[0], F_GETFL), fcntl(pair[0], F_GETFD));
        names("names", pair[0]);
        printf("events %#x\n", events(pair[0]));
        say("nothing", read(pair[0], text, 10));
        say("write", write(pair[1], "hello ", 6));
        say("write", write(pair[1], "world", 5));
        printf("events %#x\n", events(pair[0]));
        say("waiting", ioctl(pair[0], FIONREAD, &waiting));
        printf("%d\n", waiting);
        say("peek", recv(pair[0], text, 3, MSG_PEEK));
        printf("%s\n", text);
        say("a part", recv(pair[0], text, 4, 0));
        printf("%.4s\n", text);
        memset(text, 0, sizeof text);
        say("the rest", recv(pair[0], text, 60, 0));
        printf("%s\n", text);
        say("shutdown", shutdown(pair[1], SHUT_WR));
        printf("events %#x %#x\n", events(pair[0]), events(pair[1]));
        if (kinds[i] != SOCK_DGRAM) say("the end", read(pair[0], text, 10));
        say("write after it", write(pair[1], "x", 1));
        say("and back", write(pair[0], "back", 4));
        say("read it", read(pair[1], text, 10));
        printf("signals %d\n", broken);
        close(pair[1]);
        printf("events %#x\n", events(pair[0]));
        say("write to nobody", write(pair[0], "x", 1));
        printf("signals %d\n", broken);
        close(pair[0]);
    }
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) return;
    say("write", write(pair[0], "unread", 6));
    close(pair[1]);
    say("it was not read", read(pair[0], large, 10));
    say("only told once", read(pair[0], large, 10));
    close(pair[0]);
    say("no such kind", socketpair(AF_UNIX, 77, 0, pair));
    say("no such protocol", socketpair(AF_UNIX, SOCK_STREAM, 17, pair));
    say("not by the internet", socketpair(AF_INET, SOCK_STREAM, 0, pair));
    say("a bad place", socketpair(AF_UNIX, SOCK_STREAM, 0, nowhere));
}

static void *connects(void *name) {
    char text[32] = {0};
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect_to(client, name)) return "cannot connect";
    if (write(client, "ping", 4) != 4 || read(client, text, 31) != 4) return "cannot talk";
    close(client);
    return strcmp(text, "pong") ? "another answer" : NULL;
}

enum { CLIENTS = 20 };

static void connections(const char *name) {
    int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
    struct stat status;
    struct ucred owner;
    socklen_t length = sizeof owner;
    printf("events of a fresh one %#x\n", events(server));
    say("read", read(server, large, 1));
    say("write", write(server, large, 1));
    say("listen without a name", listen(server, 5));
    say("nobody there", connect_to(client, name));
    say("bind", bind_to(server, name));
    say("bind again", bind_to(server, "@other"));
    say("the name is taken", bind_to(client, name));
    say("not yet listening", connect_to(client, name));
    say("accept", accept(server, NULL, NULL));
    say("listen", listen(server, 5));
    printf("accepts %d, events %#x\n", option(server, SO_ACCEPTCONN), events(server));
    if (name[0] != '@') {
        say("stat", stat(name, &status));
        printf("a socket: %d\n", S_ISSOCK(status.st_mode));
        say("open", open(name, O_RDWR));
    }
    int other = socket(AF_UNIX, SOCK_DGRAM, 0);
    say("another kind", connect_to(other, name));
    close(other);
    say("connect", connect_to(client, name));
    say("connect again", connect_to(client, name));
    say("write before it is accepted", write(client, "early", 5));
    printf("events %#x\n", events(server));
    int accepted = accept4(server, NULL, NULL, SOCK_NONBLOCK);
    names("client", client);
    names("server", server);
    names("accepted", accepted);
    say("credentials", getsockopt(client, SOL_SOCKET, SO_PEERCRED, &owner, &length));
    printf("mine: %d %d %d\n", owner.pid == getpid(), owner.uid == getuid(), owner.gid == getgid());
    say("read", read(accepted, large, 10));
    say("nothing more", read(accepted, large, 10));
    say("send to a name", send_to(client, "x", name));
    // As many as there is room for: the last that waits is not accepted any more.
    fcntl(client, F_SETFL, O_NONBLOCK);
    int waiting[20], count = 0;
    while (count < 20) {
        waiting[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (connect_to(waiting[count], name)) break;
        count++;
    }
    printf("%d wait, then %s\n", count, strerrorname_np(errno));
    close(server);
    say("never accepted", read(waiting[0], large, 1));
    for (int i = 0; i <= count; i++) close(waiting[i]);
    say("the listener is gone", connect_to(socket(AF_UNIX, SOCK_STREAM, 0), name));
    say("the connection is not", write(accepted, "still", 5));
    say("read", read(client, large, 10));
    close(accepted);
    say("the end", read(client, large, 10));
    close(client);
    if (name[0] != '@') {
        server = socket(AF_UNIX, SOCK_STREAM, 0);
        say("the name is still there", bind_to(server, name));
        say("unlink", unlink(name));
        say("and can be had again", bind_to(server, name));
        say("unlink", unlink(name));
        close(server);
    }
    server = socket(AF_UNIX, SOCK_STREAM, 0);
    say("bind", bind_to(server, "@many"));
    say("listen", listen(server, 1));
    pthread_t threads[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) pthread_create(&threads[i], NULL, connects, "@many");
    for (int i = 0; i < CLIENTS; i++) {
        accepted = accept(server, NULL, NULL);
        if (read(accepted, large, 100) != 4 || write(accepted, "pong", 4) != 4) puts("cannot answer");
        close(accepted);
    }
    for (int i = 0; i < CLIENTS; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        if (wrong) puts(wrong);
    }
    close(server);
}

static void datagrams(void) {
    int one = socket(AF_UNIX, SOCK_DGRAM, 0), other = socket(AF_UNIX, SOCK_DGRAM, 0);
    say("bind", bind_to(one, "@one"));
    say("bind", bind_to(other, "/tmp/other"));
    say("without a name", write(one, "x", 1));
    say("to nobody", send_to(one, "x", "@nobody"));
    say("to no file", send_to(one, "x", "/tmp/nobody"));
    say("to a file", send_to(one, "x", "/tmp"));
    say("send", send_to(one, "first message", "/tmp/other"));
    say("send", send_to(one, "", "/tmp/other"));
    receive_from("cut", other, 5);
    receive_from("empty", other, 20);
    receive_from("nothing", other, 20);
    int unnamed = socket(AF_UNIX, SOCK_DGRAM, 0);
    say("from a socket without a name", send_to(unnamed, "hello", "/tmp/other"));
    receive_from("it", other, 20);
    say("connect", connect_to(unnamed, "@one"));
    say("write", write(unnamed, "by itself", 9));
    receive_from("it", one, 20);
    say("connect back", connect_to(one, "/tmp/other"));
    say("only the peer may send now", write(unnamed, "x", 1));
    say("too long", write(one, large, sizeof large));
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    say("disconnect", connect(one, &none, sizeof none));
    say("now anybody may", write(unnamed, "x", 1));
    say("listen", listen(one, 1));
    say("accept", accept(one, NULL, NULL));
    close(one);
    say("the peer is gone", write(unnamed, "x", 1));
    struct sockaddr_un automatic = {.sun_family = AF_UNIX};
    socklen_t length = sizeof automatic;
    say("a name of the kernel's choice", bind(unnamed, (struct sockaddr *)&automatic, 2));
    getsockname(unnamed, (struct sockaddr *)&automatic, &length);
    printf("length %u\n", length);
    close(other);
    close(unnamed);
    unlink("/tmp/other");
}

static ssize_t send_files(int socket, const int *files, int count, const char *text) {
    static char control[CMSG_SPACE(300 * sizeof(int))];
    struct iovec part = {(void *)text, strlen(text)};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
                             .msg_controllen = CMSG_SPACE(count * sizeof(int))};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(header), files, count * sizeof(int));
    return sendmsg(socket, &message, MSG_DONTWAIT);
}

static int receive_files(int socket, int *files, int room, int flags) {
    static char control[CMSG_SPACE(300 * sizeof(int))];
    char text[64];
    struct iovec part = {text, sizeof text};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
                             .msg_controllen = room ? CMSG_SPACE(room * sizeof(int)) : 0};
    ssize_t length = recvmsg(socket, &message, MSG_DONTWAIT | flags);
    if (length < 0) {
        printf("received %s\n", strerrorname_np(errno));
        return 0;
    }
    int count = 0;
    printf("received %.*s, flags %#x, control %zu:", (int)length, text, message.msg_flags, message.msg_controllen);
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        printf(" type %d with %zu", header->cmsg_type, header->cmsg_len);
        if (header->cmsg_type == SCM_CREDENTIALS) {
            struct ucred *owner = (struct ucred *)CMSG_DATA(header);
            printf(" (mine: %d)", owner->pid == getpid() && owner->uid == getuid());
        }
        if (header->cmsg_type != SCM_RIGHTS) continue;
        count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(files, CMSG_DATA(header), count * sizeof(int));
    }
    printf("\n");
    return count;
}

static void rights(int kind) {
    int pair[2], ends[2], files[300], got;
    if (socketpair(AF_UNIX, kind, 0, pair) || pipe(ends)) return;
    say("send an end of a pipe", send_files(pair[0], &ends[1], 1, "one"));
    close(ends[1]);
    say("write through what arrives", (got = receive_files(pair[1], files, 1, MSG_CMSG_CLOEXEC)));
    printf("closed on exec: %d\n", fcntl(files[0], F_GETFD));
    say("write", write(files[0], "through", 7));
    close(files[0]);
    say("read", read(ends[0], large, 10));
    say("the end: nobody else has it", read(ends[0], large, 10));
    int three[3] = {ends[0], ends[0], ends[0]};
    say("send three", send_files(pair[0], three, 3, "three"));
    got = receive_files(pair[1], files, 1, 0);
    while (got > 0) close(files[--got]);
    say("no room at all", send_files(pair[0], three, 3, "none"));
    receive_files(pair[1], files, 0, 0);
    say("before", write(pair[0], "before ", 7));
    say("with", send_files(pair[0], three, 1, "with"));
    say("behind", write(pair[0], " behind", 7));
    got = receive_files(pair[1], files, 1, 0);
    while (got > 0) close(files[--got]);
    got = receive_files(pair[1], files, 1, 0);
    while (got > 0) close(files[--got]);
    say("send a descriptor that is none", send_files(pair[0], (int[]){999}, 1, "x"));
    for (int i = 0; i < 300; i++) files[i] = ends[0];
    say("too many", send_files(pair[0], files, 254, "x"));
    int on = 1;
    say("tell who sends", setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
    say("write", write(pair[0], "from me", 7));
    while (receive_files(pair[1], files, 10, 0) > 0) close(files[0]);
    // A socket on its way into itself, and everything is closed.
    for (int i = 0; i < 20; i++) {
        int ring[2];
        if (socketpair(AF_UNIX, kind, 0, ring)) return;
        if (send_files(ring[0], &ring[1], 1, "ring") != 4) puts("no ring");
        close(ring[0]);
        close(ring[1]);
    }
    close(pair[0]);
    close(pair[1]);
    close(ends[0]);
}

static void *drains(void *file) {
    long total = 0, count;
    static char part[30000];
    while ((count = read((int)(long)file, part, sizeof part)) > 0) total += count;
    return (void *)total;
}

static void streams(void) {
    int pair[2];
    pthread_t thread;
    void *total;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) return;
    pthread_create(&thread, NULL, drains, (void *)(long)pair[1]);
    for (int i = 0; i < 5; i++) say("a megabyte", write(pair[0], large, sizeof large));
    shutdown(pair[0], SHUT_WR);
    pthread_join(thread, &total);
    printf("drained %ld\n", (long)total);
    say("all of it", write(pair[1], "ab", 2));
    say("all of it", write(pair[1], "cdef", 4));
    say("waited for", recv(pair[0], large, 5, MSG_WAITALL));
    printf("%.5s\n", large);
    close(pair[0]);
    close(pair[1]);
}

static void errors(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int file = socket(AF_UNIX, SOCK_STREAM, 0), null = open("/dev/null", O_RDWR);
    memset(address.sun_path, 'x', sizeof address.sun_path);
    say("too long a name", bind(file, (struct sockaddr *)&address, sizeof address + 1));
    say("too short a name", bind(file, (struct sockaddr *)&address, 1));
    address.sun_family = AF_INET;
    say("another family", bind(file, (struct sockaddr *)&address, 16));
    say("another family", connect(file, (struct sockaddr *)&address, 16));
    say("a bad place", bind(file, nowhere, 20));
    say("no such folder", bind_to(file, "/nowhere/socket"));
    say("a file's name", bind_to(file, "/dev/null"));
    say("no socket there", connect_to(file, "/dev/null"));
    say("not a socket", bind_to(null, "@null"));
    say("not a socket", listen(null, 1));
    say("not a socket", send_to(null, "x", "@null"));
    say("not a socket", recv(null, large, 1, 0));
    say("no descriptor", listen(999, 1));
    say("no such option", option(file, 9999));
    say("shutdown of what", shutdown(file, 3));
    say("send to a bad place", sendto(file, "x", 1, 0, nowhere, 20));
    say("a bad message", sendmsg(file, nowhere, 0));
    say("no such kind", socket(AF_UNIX, 77, 0));
    say("no such protocol", socket(AF_UNIX, SOCK_STREAM, 17));
}

int main(void) {
    struct sigaction action = {.sa_handler = on_broken};
    sigaction(SIGPIPE, &action, NULL);
    unlink("/tmp/portcullis-test-socket");
    unlink("/tmp/other");
    pairs();
    connections("@abstract");
    connections("/tmp/portcullis-test-socket");
    datagrams();
    rights(SOCK_STREAM);
    rights(SOCK_DGRAM);
    streams();
    errors();
    return 0;
}
