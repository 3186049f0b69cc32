import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Builds a library that, preloaded into a process, makes each flush to the disk take `DISK_FLUSH_MS` longer. Returns its
 * path, or null where there is no C compiler.
 */
export function buildSlowDisk(folder: string): string | null {
  const [source, library] = [join(folder, 'slow-disk.c'), join(folder, 'slow-disk.so')]
  writeFileSync(source, SOURCE)
  try {
    execFileSync('cc', ['-shared', '-fPIC', '-o', library, source, '-ldl'], { stdio: 'ignore' })
    return library
  } catch {
    return null
  }
}

const SOURCE = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>
static void wait_first(void) {
  const char *ms = getenv("DISK_FLUSH_MS");
  if (ms) usleep(1000 * atoi(ms));
}
int fsync(int fd) {
  wait_first();
  return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd);
}
int fdatasync(int fd) {
  wait_first();
  return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd);
}
`
