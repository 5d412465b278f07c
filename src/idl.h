/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The interface texts (*.varlink) as strings: idl.c is made from them by the build. Layer 1. */
#ifndef NETNSD_IDL_H
#define NETNSD_IDL_H

extern const char io_netnsd_Manager_varlink[];
extern const char io_netnsd_Container_varlink[];
extern const char io_netnsd_Namespace_varlink[];
extern const char io_systemd_service_varlink[];

#endif
