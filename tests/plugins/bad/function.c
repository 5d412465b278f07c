/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A function where data is expected: its code must not be read as an API number. */
void netnsd_plugin(void);

void netnsd_plugin(void)
{
}
