#ifndef CSTARTUP_H
#define CSTARTUP_H
/* Nothing to call: to be linked is all that a program needs of it (startup.c). */
#endif
