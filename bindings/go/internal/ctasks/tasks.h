/* C tasks for the tests of the Go binding. */
#ifndef RASK_GO_TEST_TASKS_H
#define RASK_GO_TEST_TASKS_H

#include <rask.h>

void c_inc(rask_task *t);      /* i64 + 1 */
void c_add(rask_task *t);      /* i64 + i64 */
void c_half(rask_task *t);     /* f64 / 2 */
void c_concat(rask_task *t);   /* bytes, one behind the other */
void c_sum_list(rask_task *t); /* of a list of i64 */
void c_echo(rask_task *t);     /* its argument */
void c_nothing(rask_task *t);  /* no result */
void c_fail(rask_task *t);     /* with the i64 as code and the text as message */
void c_flaky(rask_task *t);    /* fails until the attempt given */
void c_spin(rask_task *t);     /* until it is cancelled */
void c_attempt(rask_task *t);  /* which attempt this is */
void c_same(rask_task *t);     /* the address of its bytes, as an i64 */

#endif
