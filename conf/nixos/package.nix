# SPDX-License-Identifier: LGPL-2.1-or-later
# The package, from the tree that this file is in: pkgs.callPackage ./package.nix { }
{ lib, stdenv, autoreconfHook, pkg-config, jansson, libcap, libev, libnl, systemd, uthash, util-linux }:
stdenv.mkDerivation {
  pname = "netnsd";
  version = "0.1.0";
  src = lib.cleanSource ../..;

  nativeBuildInputs = [ autoreconfHook pkg-config ];
  buildInputs = [ jansson libcap libev libnl systemd uthash util-linux ];

  # It reads /etc, but what it installs there goes into the package.
  configureFlags = [
    "--sysconfdir=/etc"
    "--with-systemdsystemunitdir=${placeholder "out"}/lib/systemd/system"
  ];
  installFlags = [ "sysconfdir=${placeholder "out"}/etc" ];
  enableParallelBuilding = true;

  meta = {
    description = "Network manager for named network namespaces, and for containers in them";
    license = lib.licenses.lgpl21Plus;
    platforms = lib.platforms.linux;
    mainProgram = "netnsctl";
  };
}
