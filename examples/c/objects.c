/* Structs of your own as values. A rask_type says what they are and how to destroy them; Rask does so once,
 * after the last handle of the future and the last task that reads it, on whichever thread that happens. */
#include <rask.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct polygon {
    size_t n;
    double corners[][2];
};

static atomic_int made, destroyed; /* atomic: tasks and destructors run on many threads */

static void polygon_destroy(void *polygon) {
    destroyed++;
    free(polygon);
}

static const rask_type polygon_type = {
    .struct_size = sizeof(rask_type),
    .name = "polygon",
    .destroy = polygon_destroy,
};

static struct polygon *polygon_new(size_t n) {
    struct polygon *polygon = malloc(sizeof *polygon + n * sizeof(double[2]));
    if (!polygon)
        abort();
    polygon->n = n;
    made++;
    return polygon;
}

/* (polygon, factor) -> a larger one. Values are immutable, others may be reading: the result is a new object.
 */
static void scale(rask_task *t) {
    const struct polygon *from = rask_arg_object(t, 0, &polygon_type);
    double factor = rask_arg_f64(t, 1);
    if (!from)
        return; /* not a polygon: the task has failed already, and says why */
    struct polygon *to = polygon_new(from->n);
    for (size_t i = 0; i < 2 * from->n; i++)
        to->corners[i / 2][i % 2] = factor * from->corners[i / 2][i % 2];
    rask_return_object(t, to, &polygon_type); /* Rask's from here on */
}

static void area(rask_task *t) {
    const struct polygon *p = rask_arg_object(t, 0, &polygon_type);
    double twice = 0;
    for (size_t i = 0; p && i < p->n; i++) {
        size_t k = (i + 1) % p->n;
        twice += p->corners[i][0] * p->corners[k][1] - p->corners[k][0] * p->corners[i][1];
    }
    rask_return_f64(t, twice / 2);
}

int main(void) {
    static const double corners[4][2] = {{0, 0}, {1, 0}, {1, 1}, {0, 1}};
    struct polygon *square = polygon_new(4);
    memcpy(square->corners, corners, sizeof corners);

    rask_client client = rask_client_open(NULL);
    rask_future small = rask_scatter(client, rask_object(square, &polygon_type)); /* ours no more */
    rask_future large = rask_submit(client, scale, RASK_ARGS(rask_take(small), 3.0));
    rask_future result = rask_submit(client, area, RASK_ARGS(rask_take(large)));
    double number;
    if (rask_result_f64(result, &number) == RASK_OK)
        printf("the area is %g\n", number);

    rask_release(result);
    rask_client_close(client); /* returns after the last destructor */
    printf("made %d polygons, destroyed %d\n", made, destroyed);
    return 0;
}
