/* Stands before the C library's file calls, for files of the data folder: the file named by
   KAPOK_TEST_DISK says what the disk does: "fine", "full", "fail" (fsync), or "slow MS" (fsync). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static void mode(char *word, int *ms) {
  const char *path = getenv("KAPOK_TEST_DISK");
  int kept = errno;
  word[0] = 0;
  *ms = 0;
  if (path) {
    FILE *file = fopen(path, "re");
    if (file) {
      if (fscanf(file, "%15s %d", word, ms) < 1) word[0] = 0;
      fclose(file);
    }
  }
  errno = kept;
}

/* Only the database's own files: logs go on. */
static int is_data(int fd) {
  char link[64], path[4096];
  int kept = errno;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  errno = kept;
  if (length <= 0) return 0;
  path[length] = 0;
  return strstr(path, "kapok.db") != NULL;
}

static int is_full(int fd) {
  char word[16];
  int ms;
  if (!is_data(fd)) return 0;
  mode(word, &ms);
  return strcmp(word, "full") == 0;
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
  static ssize_t (*next)(int, const void *, size_t, off64_t);
  if (!next) next = dlsym(RTLD_NEXT, "pwrite64");
  if (is_full(fd)) { errno = ENOSPC; return -1; }
  return next(fd, bytes, count, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
  return pwrite64(fd, bytes, count, at);
}

ssize_t write(int fd, const void *bytes, size_t count) {
  static ssize_t (*next)(int, const void *, size_t);
  if (!next) next = dlsym(RTLD_NEXT, "write");
  if (fd > 2 && is_full(fd)) { errno = ENOSPC; return -1; }
  return next(fd, bytes, count);
}

static int synced(int fd, int (*next)(int)) {
  char word[16];
  int ms;
  if (is_data(fd)) {
    mode(word, &ms);
    if (strcmp(word, "fail") == 0) { errno = EIO; return -1; }
    if (strcmp(word, "slow") == 0) usleep(ms * 1000);
  }
  return next(fd);
}

int fsync(int fd) {
  static int (*next)(int);
  if (!next) next = dlsym(RTLD_NEXT, "fsync");
  return synced(fd, next);
}

int fdatasync(int fd) {
  static int (*next)(int);
  if (!next) next = dlsym(RTLD_NEXT, "fdatasync");
  return synced(fd, next);
}
