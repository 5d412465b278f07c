# SPDX-License-Identifier: LGPL-2.1-or-later
# One container: `config` and `netns` as in the module that netnsd takes the place of, and besides them the
# sections of its file. A NixOS system as payload brings the keys that such a system needs.
{ lib, pkgs, release, sectionsType }:
{ name, config, options, ... }:
let
  inherit (lib) mkDefault mkIf mkMerge mkOption mkOptionType types;

  # Stateless, as there is no root that stays.
  extraModule = {
    _file = ./container.nix;
    config = {
      boot.isContainer = true;
      networking.hostName = mkDefault name;
      system.stateVersion = mkDefault release;
    };
  };

  nixos = loc: defs:
    (import (pkgs.path + "/nixos/lib/eval-config.nix") {
      inherit pkgs lib;
      system = null; # that of pkgs
      modules = [ extraModule ] ++ map (d: d.value) defs;
      prefix = [ "networking" "namespaces" "containers" name ];
    }).config;

  perContainer = kind: "/nix/var/nix/${kind}/per-container/${name}";
  capabilities = [ "CAP_SYS_TTY_CONFIG" "CAP_NET_ADMIN" "CAP_NET_RAW" "CAP_SYS_ADMIN" ];
in
{
  freeformType = sectionsType;

  options = {
    config = mkOption {
      description = ''
        A specification of the desired configuration of this container, as a NixOS module. Without one the payload is
        what the sections say, such as `Container.Directory` with `Exec.Boot`.
      '';
      type = mkOptionType {
        name = "Toplevel NixOS config";
        merge = nixos;
      };
    };

    netns = mkOption {
      example = "upstream";
      type = types.str;
      description = ''
        Name of network namespace to put the container in. One that `networking.namespaces.netns` does not declare has
        nothing but its loopback, and is made when a container in it starts.
      '';
    };
  };

  config = mkMerge [
    {
      netns = mkDefault name;
      Container.Namespace = config.netns;
    }
    (mkIf options.config.isDefined {
      Container.CreateDirectory = map (kind: "${perContainer kind}:0755") [ "profiles" "gcroots" ];
      Exec = {
        Parameters = mkDefault [ "${config.config.system.build.toplevel}/init" ];
        NotifyReady = mkDefault true;
        Capability = capabilities;
      };
      Files = {
        BindReadOnly = [ "/nix/store" "/nix/var/nix/db" "/nix/var/nix/daemon-socket" ];
        Bind = map (kind: "${perContainer kind}:/nix/var/nix/${kind}") [ "profiles" "gcroots" ];
      };
      Service = {
        DevicePolicy = mkDefault "closed";
        ConditionCapability = capabilities;
      };
    })
  ];
}
