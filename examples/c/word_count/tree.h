/* What lies in a directory tree: its folders, their files, and the names of the result files. */
#ifndef TREE_H
#define TREE_H

#include <rask.h>

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct folder {
    char *path;
    size_t relative; /* where in `path` the part below the root begins, "/linux/can"; nothing for the root */
    size_t first, n; /* its files, those of folders below not included: they stand together */
    int error;       /* an errno if it could not be listed */
};

struct file {
    char *path;
    uint64_t size;
};

struct tree {
    struct folder *folders;
    size_t n_folders;
    struct file *files;
    size_t n_files;
};

static void *must(void *memory) {
    if (memory)
        return memory;
    fputs("word_count: out of memory\n", stderr);
    exit(1);
}

/* A copy of `directory`/`name`; of `directory` alone if the name is NULL. */
static char *join(const char *directory, const char *name) {
    size_t size = strlen(directory) + (name ? strlen(name) : 0) + 2;
    char *path = must(malloc(size));
    snprintf(path, size, name ? "%s/%s" : "%s", directory, name);
    return path;
}

/* Room for one more, in steps of powers of two. */
static void *room(void *items, size_t n, size_t size) {
    return n & (n - 1) ? items : must(realloc(items, (n ? 2 * n : 1) * size));
}

static void tree_add_folder(struct tree *tree, char *path, size_t relative) {
    tree->folders = room(tree->folders, tree->n_folders, sizeof *tree->folders);
    tree->folders[tree->n_folders++] = (struct folder){.path = path, .relative = relative};
}

/* Lists the tree below `root`. The folders found are the list of those still to visit, so that depth costs no
 * stack. Symbolic links are not followed: they may lead round in circles. Only the root may be one. */
static struct tree tree_scan(const char *root) {
    struct tree tree = {0};
    tree_add_folder(&tree, join(root, NULL), strlen(root));
    for (size_t i = 0; i < tree.n_folders; i++) {
        struct folder folder = tree.folders[i];
        folder.first = tree.n_files;
        struct dirent **entries;
        int n = scandir(folder.path, &entries, NULL, alphasort);
        if (n < 0)
            folder.error = errno;
        for (int k = 0; k < n; k++) {
            const char *name = entries[k]->d_name;
            char *path = join(folder.path, name);
            struct stat info;
            bool there = strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && lstat(path, &info) == 0;
            if (there && S_ISDIR(info.st_mode)) {
                tree_add_folder(&tree, path, folder.relative);
            } else if (there && S_ISREG(info.st_mode)) {
                tree.files = room(tree.files, tree.n_files, sizeof *tree.files);
                tree.files[tree.n_files++] = (struct file){path, (uint64_t)info.st_size};
            } else {
                free(path);
            }
            free(entries[k]);
        }
        if (n >= 0)
            free(entries);
        folder.n = tree.n_files - folder.first;
        tree.folders[i] = folder;
    }
    return tree;
}

static void tree_free(struct tree *tree) {
    for (size_t i = 0; i < tree->n_folders; i++)
        free(tree->folders[i].path);
    for (size_t i = 0; i < tree->n_files; i++)
        free(tree->files[i].path);
    free(tree->folders);
    free(tree->files);
    *tree = (struct tree){0};
}

/* The first of the places where a machine with a compiler keeps text that has any. */
static struct tree scan_default(void) {
    static const char *const places[] = {"/usr/include", "/usr/lib/gcc", "/usr/local/include", "/etc"};
    struct tree tree = tree_scan(places[0]);
    for (size_t i = 1; i < sizeof places / sizeof *places && tree.n_files == 0; i++) {
        tree_free(&tree);
        tree = tree_scan(places[i]);
    }
    return tree;
}

/* Where the result of folder `index` goes: "OUT/folder%2Flinux%2Fcan.txt". Percent signs are escaped too, so
 * no two folders share a name. One that is too long for a file system is cut and ends in the folder's number,
 * after a "%-" that escaping never writes. */
static char *result_path(const char *out, const struct tree *tree, size_t index) {
    char name[256] = "folder";
    size_t length = strlen(name);
    const struct folder *folder = &tree->folders[index];
    for (const char *c = folder->path + folder->relative; *c; c++) {
        bool plain = isalnum((unsigned char)*c) || strchr("._-", *c);
        if (length > 200) {
            length += (size_t)snprintf(name + length, sizeof name - length, "%%-%zu", index);
            break;
        }
        length +=
            (size_t)snprintf(name + length, sizeof name - length, plain ? "%c" : "%%%02X", (unsigned char)*c);
    }
    snprintf(name + length, sizeof name - length, ".txt");
    return join(out, name);
}

/* A name for people to read: what could upset a terminal or a line-by-line reader is escaped. */
static void print_escaped(FILE *to, const char *text) {
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        fprintf(to, c < ' ' || c > '~' || c == '\\' ? "\\x%02x" : "%c", c);
    }
}

static void print_failure(const char *path, const char *why) {
    fputs("failed: ", stderr);
    print_escaped(stderr, path);
    fprintf(stderr, ": %s\n", why);
}

/* Makes the directory for the results, a fresh temporary one if none is wanted. NULL (and why on stderr) if
 * it cannot be written to. */
static char *make_out(const char *wanted) {
    const char *temporary = getenv("TMPDIR");
    char *out = wanted ? join(wanted, NULL) : join(temporary ? temporary : "/tmp", "word_count-XXXXXX");
    bool there = wanted ? mkdir(out, 0777) == 0 || errno == EEXIST : mkdtemp(out) != NULL;
    if (there && access(out, W_OK | X_OK) == 0)
        return out;
    print_failure(out, strerror(errno));
    free(out);
    return NULL;
}

#endif
