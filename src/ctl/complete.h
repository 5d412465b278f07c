/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words for `netnsctl complete`, a line each. */
#ifndef NETNSCTL_COMPLETE_H
#define NETNSCTL_COMPLETE_H

#include "ctl.h"

/* Each behind the prefix. */
void complete_names(struct ctl *c, enum complete what, const char *prefix);
/* SECTION.KEY=VALUE, as far as it has been typed. */
void complete_setting(struct ctl *c, const char *word);

#endif
