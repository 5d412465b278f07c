# SPDX-License-Identifier: LGPL-2.1-or-later
# Evaluates conf/nixos with the modules of CONFIGURATION, as a switch would, and returns what the test looks at. What
# NixOS would put into its store is in `stored`, by its path below STORE.
{ lib ? import ./lib.nix, module, configuration, store }:
let
  inherit (lib) mkOption types;

  # Its path depends on its content, which is all that triggers look at.
  stored = name: text: {
    inherit text;
    type = "derivation";
    outPath = "${store}/${builtins.hashString "md5" text}-${name}";
  };
  pkgs = {
    path = ./.;
    writeText = stored;
    runCommand = name: _: stored name;
    # The package is evaluated, with whatever it asks for, and not built.
    callPackage = file: _: import file (builtins.mapAttrs (name: _: known.${name} or name)
      (builtins.functionArgs (import file)));
  };

  known = {
    inherit lib;
    stdenv.mkDerivation = attributes: attributes // { type = "derivation"; outPath = "${store}/netnsd"; };
  };

  list = mkOption { type = types.listOf types.raw; default = [ ]; };
  set = mkOption { type = types.attrsOf types.raw; default = { }; };

  # Of NixOS only what the module sets.
  nixos.options = {
    assertions = list;
    environment = { etc = set; systemPackages = list; };
    system = { checks = list; nixos.release = mkOption { type = types.str; default = "26.05"; }; };
    systemd = { packages = list; services = set; sockets = set; tmpfiles.packages = list; };
    users.groups = set;
  };

  inherit (lib.evalModules {
    modules = [ nixos (import module) ] ++ configuration;
    specialArgs = { inherit pkgs; };
  }) config;
  failed = map (a: a.message) (builtins.filter (a: !a.assertion) config.assertions);
  sources = map (entry: entry.source) (builtins.attrValues config.environment.etc);
in
# Nothing is built while an assertion fails.
if failed != [ ] then { inherit failed; }
else {
  etc = builtins.mapAttrs (_: entry: toString entry.source) config.environment.etc;
  stored = map (s: { path = s.outPath; inherit (s) text; }) (builtins.filter (s: s ? text) sources);
  checks = map (c: c.text) config.system.checks;
  inherit (config.systemd) services sockets;
  packages = map toString (config.systemd.packages ++ config.systemd.tmpfiles.packages ++ config.environment.systemPackages);
  package = removeAttrs config.networking.namespaces.package [ "meta" "src" "type" "outPath" ];
  groups = builtins.attrNames config.users.groups;
}
