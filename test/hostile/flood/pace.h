/* Keeps the ways of a flood in step, which are processes of their own. */
#ifndef PACE_H
#define PACE_H
#include "judge.h"

/* Through memory of `file`, which has zeros at first. False when it cannot be had. */
int keep_pace(const char *file, enum transport way, uint64_t packets);
/* Whether this way, which has sent so many of its packets, should wait for another one. */
int is_ahead(uint64_t sent);
/* The other ways wait no more. */
void leave_pace(void);
#endif
