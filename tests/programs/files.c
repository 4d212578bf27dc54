// Files and directories: opening, names, sizes, holes, what stat tells, with their errors.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static const char *error(long result) {
    return result == -1 ? strerrorname_np(errno) : "ok";
}

static long opened(const char *path, int flags) {
    int fd = open(path, flags, 0644);
    if (fd < 0) return -1;
    close(fd);
    return 0;
}

static void opening(void) {
    printf("new: %s\n", error(opened("file", O_CREAT | O_EXCL | O_RDWR)));
    printf("new again: %s\n", error(opened("file", O_CREAT | O_EXCL | O_RDWR)));
    printf("missing: %s\n", error(opened("missing", O_RDONLY)));
    printf("below a file: %s\n", error(opened("file/x", O_CREAT | O_RDWR)));
    printf("a file as a directory: %s\n", error(opened("file", O_DIRECTORY)));
    printf("a file with a slash: %s\n", error(opened("file/", O_RDONLY)));
    printf("a directory to write: %s\n", error(opened(".", O_RDWR)));
    printf("a directory to make: %s\n", error(opened(".", O_CREAT)));
    printf("no name: %s\n", error(opened("", O_RDONLY)));
    char longer[300];
    memset(longer, 'n', sizeof longer);
    longer[256] = 0;
    printf("a long name: %s\n", error(opened(longer, O_CREAT | O_RDWR)));
    printf("link: %s\n", error(symlink("file", "link")));
    printf("through it: %s\n", error(opened("link", O_RDONLY)));
    printf("not through it: %s\n", error(opened("link", O_RDONLY | O_NOFOLLOW)));
    printf("itself: %s\n", error(opened("link", O_PATH | O_NOFOLLOW)));
    symlink("loop", "loop");
    printf("round and round: %s\n", error(opened("loop", O_RDONLY)));
    symlink("nowhere", "dangling");
    printf("dangling: %s\n", error(opened("dangling", O_RDONLY)));
    printf("new by a link: %s\n", error(opened("dangling", O_CREAT | O_EXCL | O_RDWR)));
    printf("made through a link: %s\n", error(opened("dangling", O_CREAT | O_RDWR)));
    printf("it is there: %s\n", error(access("nowhere", F_OK)));
    int fd = open(".", O_TMPFILE | O_RDWR, 0600);
    printf("without a name: %s, %ld\n", error(fd), (long)write(fd, "abc", 3));
    struct stat status;
    fstat(fd, &status);
    printf("its names: %ld, mode %o\n", (long)status.st_nlink, status.st_mode);
    close(fd);
    struct open_how how = {.flags = O_RDONLY};
    fd = syscall(SYS_openat2, AT_FDCWD, "file", &how, sizeof how);
    printf("openat2: %s\n", error(fd));
    close(fd);
    how.mode = 0600;
    printf("a mode for nothing: %s\n", error(syscall(SYS_openat2, AT_FDCWD, "file", &how, sizeof how)));
    printf("short: %s\n", error(syscall(SYS_openat2, AT_FDCWD, "file", &how, 8)));
    printf("bad address: %s\n", error(syscall(SYS_openat, AT_FDCWD, (char *)8, O_RDONLY)));
    printf("no such directory: %s\n", error(openat(77, "file", O_RDONLY)));
    printf("a terminal: %s\n", error(opened("/dev/null", O_RDWR)));
}

static void contents(void) {
    int fd = open("content", O_CREAT | O_RDWR | O_TRUNC, 0644);
    printf("write %ld", (long)write(fd, "0123456789", 10));
    printf(", pwrite %ld", (long)pwrite(fd, "AB", 2, 4));
    printf(", at %ld\n", (long)lseek(fd, 0, SEEK_CUR));
    int append = open("content", O_WRONLY | O_APPEND);
    lseek(append, 0, SEEK_SET);
    printf("appended %ld", (long)write(append, "xyz", 3));
    printf(", at %ld\n", (long)lseek(append, 0, SEEK_CUR));
    char text[32] = {0};
    printf("pread %ld", (long)pread(fd, text, 31, 0));
    printf(" %s\n", text);
    printf("behind the end: %ld\n", (long)pread(fd, text, 8, 100));
    printf("reading one for writing: %s\n", error(read(append, text, 1)));
    int reading = open("content", O_RDONLY);
    printf("writing one for reading: %s\n", error(write(reading, "x", 1)));
    printf("cutting one for reading: %s\n", error(ftruncate(reading, 0)));
    printf("before the start: %s\n", error(lseek(fd, -1, SEEK_SET)));
    printf("how: %s\n", error(lseek(fd, 0, 99)));
    printf("cut: %s", error(ftruncate(fd, 4)));
    printf(", longer: %s\n", error(truncate("content", 8)));
    memset(text, 'z', sizeof text);
    printf("read %ld: %.4s %d%d%d%d\n", (long)pread(fd, text, 8, 0), text, text[4], text[5], text[6], text[7]);
    printf("allocate: %s", error(fallocate(fd, 0, 0, 10000)));
    struct stat status;
    fstat(fd, &status);
    printf(" %ld\n", (long)status.st_size);
    printf("keep: %s", error(fallocate(fd, FALLOC_FL_KEEP_SIZE, 10000, 10000)));
    fstat(fd, &status);
    printf(" %ld\n", (long)status.st_size);
    pwrite(fd, "hole", 4, 5000);
    printf("punch: %s", error(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 4096)));
    pread(fd, text, 4, 5000);
    printf(" %d\n", text[0]);
    printf("nothing: %s\n", error(fallocate(fd, 0, 0, 0)));
    printf("of one for reading: %s\n", error(fallocate(reading, 0, 0, 10)));
    printf("sync: %s %s %s\n", error(fsync(fd)), error(fdatasync(fd)), error(syncfs(fd)));
    printf("sync of nothing: %s\n", error(fsync(99)));
    printf("attribute: %s\n", error(fgetxattr(fd, "security.none", text, 8)));
    printf("attributes: %ld\n", (long)flistxattr(fd, NULL, 0));
    close(fd);
    close(append);
    close(reading);
}

static void names(void) {
    printf("mkdir: %s, again: %s\n", error(mkdir("dir", 0755)), error(mkdir("dir", 0755)));
    printf("in nothing: %s\n", error(mkdir("no/dir", 0755)));
    printf("below a file: %s\n", error(mkdir("file/dir", 0755)));
    mkdir("dir/sub", 0700);
    opened("dir/one", O_CREAT | O_RDWR);
    struct stat status, other;
    stat("dir", &status);
    printf("names of a directory: %ld, mode %o\n", (long)status.st_nlink, status.st_mode);
    printf("hard link: %s, again: %s\n", error(link("dir/one", "dir/two")), error(link("dir/one", "dir/two")));
    printf("of a directory: %s\n", error(link("dir", "dir2")));
    stat("dir/one", &status);
    stat("dir/two", &other);
    printf("the same: %d, names: %ld\n", status.st_ino == other.st_ino && status.st_dev == other.st_dev,
           (long)status.st_nlink);
    printf("unlink a directory: %s\n", error(unlink("dir")));
    printf("rmdir a file: %s\n", error(rmdir("dir/one")));
    printf("rmdir what is not empty: %s\n", error(rmdir("dir")));
    printf("unlink nothing: %s\n", error(unlink("dir/none")));
    printf("rename: %s", error(rename("dir/one", "dir/three")));
    printf(" %s %s\n", error(access("dir/one", F_OK)), error(access("dir/three", F_OK)));
    printf("over another name of it: %s", error(rename("dir/three", "dir/two")));
    printf(" %s\n", error(access("dir/three", F_OK)));
    opened("dir/four", O_CREAT | O_RDWR);
    printf("over another file: %s\n", error(rename("dir/four", "dir/two")));
    stat("dir/three", &status);
    printf("names left: %ld\n", (long)status.st_nlink);
    printf("a file over a directory: %s\n", error(rename("dir/two", "dir/sub")));
    printf("a directory over a file: %s\n", error(rename("dir/sub", "dir/two")));
    printf("into itself: %s\n", error(rename("dir", "dir/sub/dir")));
    printf("no replace: %s\n", error(renameat2(AT_FDCWD, "dir/two", AT_FDCWD, "dir/three", RENAME_NOREPLACE)));
    printf("nothing: %s\n", error(rename("dir/none", "dir/some")));
    char target[8] = {0};
    printf("readlink: %ld", (long)readlink("link", target, 3));
    printf(" %s, of a file: %s\n", target, error(readlink("file", target, 3)));
    printf("mknod: %s, again: %s\n", error(mknod("made", S_IFREG | 0600, 0)), error(mknod("made", S_IFREG | 0600, 0)));
    int fd = open("unlinked", O_CREAT | O_RDWR, 0600);
    unlink("unlinked");
    fstat(fd, &status);
    printf("names of what has none: %ld, written %ld\n", (long)status.st_nlink, (long)write(fd, "x", 1));
    close(fd);
    printf("chdir to a file: %s, to nothing: %s\n", error(chdir("file")), error(chdir("nothing")));
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void lists(void) {
    DIR *directory = opendir("dir");
    char *seen[16];
    int count = 0, inodes = 1;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL && count < 16; count++) {
        struct stat status;
        fstatat(dirfd(directory), entry->d_name, &status, AT_SYMLINK_NOFOLLOW);
        if (strcmp(entry->d_name, "..") != 0) inodes &= status.st_ino == entry->d_ino;
        asprintf(&seen[count], "%s %d", entry->d_name, entry->d_type);
    }
    closedir(directory);
    qsort(seen, count, sizeof *seen, by_name);
    for (int i = 0; i < count; i++) printf("%s; ", seen[i]);
    printf("numbers as stat has them: %d\n", inodes);
    int fd = open("file", O_RDONLY);
    char block[64];
    printf("of a file: %s\n", error(syscall(SYS_getdents64, fd, block, sizeof block)));
    close(fd);
    // More than fit into one call.
    mkdir("many", 0755);
    for (int i = 0; i < 500; i++) {
        snprintf(block, sizeof block, "many/a-name-that-takes-some-room-%d", i);
        opened(block, O_CREAT | O_WRONLY);
    }
    directory = opendir("many");
    for (count = 0; readdir(directory) != NULL;) count++;
    rewinddir(directory);
    int again = 0;
    while (readdir(directory) != NULL) again++;
    closedir(directory);
    printf("many: %d, again: %d\n", count, again);
}

static void told(void) {
    struct stat status;
    chmod("file", 0640);
    stat("file", &status);
    printf("mode %o, size %ld, names %ld, blocks of %ld\n", status.st_mode, (long)status.st_size, (long)status.st_nlink,
           (long)status.st_blksize);
    lstat("link", &status);
    printf("a link: %o, size %ld\n", status.st_mode, (long)status.st_size);
    stat("/dev/null", &status);
    printf("a device: %o %lx\n", status.st_mode & S_IFMT, (long)status.st_rdev);
    struct timespec times[2] = {{1000000, 0}, {1234567890, 0}};
    printf("times: %s", error(utimensat(AT_FDCWD, "file", times, 0)));
    stat("file", &status);
    printf(" %ld\n", (long)status.st_mtime);
    printf("utimes: %s", error(utimes("file", (struct timeval[]){{0, 0}, {77, 0}})));
    stat("file", &status);
    printf(" %ld\n", (long)status.st_mtime);
    printf("of nothing: %s\n", error(utimensat(AT_FDCWD, "nothing", times, 0)));
    struct statx more;
    printf("statx: %s", error(statx(AT_FDCWD, "file", 0, STATX_BASIC_STATS, &more)));
    printf(" %o %ld %d\n", more.stx_mode, (long)more.stx_mtime.tv_sec, (more.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
    printf("stat nothing: %s, nowhere: %s\n", error(stat("nothing", &status)), error(syscall(SYS_stat, "file", (void *)8)));
    struct statfs system;
    printf("statfs: %s %s\n", error(statfs(".", &system)), error(statfs("nothing", &system)));
    printf("access: %s %s\n", error(access("file", R_OK)), error(access("nothing", R_OK)));
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    char folder[] = "/tmp/files-XXXXXX";
    umask(022);
    if (mkdtemp(folder) == NULL || chdir(folder) != 0) return 1;
    opening();
    contents();
    names();
    lists();
    told();
    return 0;
}
