# SPDX-License-Identifier: LGPL-2.1-or-later
# In place of NixOS' own file of that path: a system is what of its options ends up in the name of its toplevel.
{ lib, pkgs, modules, system, prefix }:
lib.evalModules {
  inherit prefix;
  specialArgs = { inherit pkgs; };
  modules = modules ++ [
    ({ config, ... }: {
      options = {
        boot.isContainer = lib.mkOption { type = lib.types.bool; default = false; };
        networking.hostName = lib.mkOption { type = lib.types.str; };
        services = lib.mkOption { type = lib.types.attrsOf lib.types.raw; default = { }; };
        system.stateVersion = lib.mkOption { type = lib.types.str; };
        system.build.toplevel = lib.mkOption { type = lib.types.str; };
      };
      config.system.build.toplevel =
        if config.boot.isContainer && prefix != [ ] then
          "/nix/store/nixos-system-${config.networking.hostName}-${config.system.stateVersion}"
        else
          throw "not a container";
    })
  ];
}
