# SPDX-License-Identifier: LGPL-2.1-or-later
# A NixOS module: namespaces, their links and containers from options. It writes the files of netnsd.netns(5),
# netnsd.container(5) and netnsd.conf(5) to /etc/netnsd, and starts netnsd.service of the package. Import this
# directory; doc/moving-from-nixos.md says what became of the options of the module before it.
{ config, lib, pkgs, ... }:
let
  inherit (lib)
    attrNames concatStrings escapeShellArg filterAttrs literalExpression mapAttrs mapAttrs'
    mapAttrsToList mkEnableOption mkIf mkMerge mkOption nameValuePair types;
  inherit (import ./text.nix { inherit lib; }) toFile valueType;

  cfg = config.networking.namespaces;

  sectionType = types.attrsOf valueType;
  sectionsType = types.attrsOf sectionType;

  # --- options -----------------------------------------------------------------------------------------------

  linkOpts = {
    freeformType = sectionType;
    options.kind = mkOption {
      type = types.str;
      example = "Veth";
      description = "The kind of the link, spelled as in netnsd.netns(5): `Veth`, `Bridge`, `MACVLAN`, `VLAN` and so on.";
    };
  };

  titled = section: mkOption {
    type = sectionsType;
    default = { };
    description = "The sections `[${section} LABEL]` of the file, by their labels, with the keys of netnsd.netns(5).";
  };

  netnsOpts = {
    freeformType = sectionType;
    options = {
      links = mkOption {
        type = types.attrsOf (types.submodule linkOpts);
        default = { };
        example = literalExpression ''
          { eth0 = { kind = "Veth"; PeerBridge = "br-lan"; Address = [ "10.30.0.2/24" ]; Gateway = "10.30.0.1"; }; }
        '';
        description = "The links of the namespace, by name: their kind, and the keys of netnsd.netns(5) and of that kind.";
      };
      addresses = titled "Address";
      routes = titled "Route";
      rules = titled "RoutingPolicyRule";
      neighbors = titled "Neighbor";
    };
  };

  containerOpts = import ./container.nix {
    inherit lib pkgs sectionsType;
    release = config.system.nixos.release;
  };

  instance = {
    overrideStrategy = "asDropin";
    restartIfChanged = false;
    stopIfChanged = false;
  };

  # --- files -------------------------------------------------------------------------------------------------

  withTitle = prefix: mapAttrs' (label: nameValuePair "${prefix} ${label}");
  ownOptions = attrNames netnsOpts.options;

  netnsSections = n:
    { Namespace = removeAttrs n ownOptions; }
    // mapAttrs' (name: l: nameValuePair "${l.kind} ${name}" (removeAttrs l [ "kind" ])) n.links
    // withTitle "Address" n.addresses
    // withTitle "Route" n.routes
    // withTitle "RoutingPolicyRule" n.rules
    // withTitle "Neighbor" n.neighbors;

  # lab@one of a declared lab@ adds to it: a drop-in, as a file of its own would stand in place of the template.
  isInstance = name:
    let template = builtins.match "([^@]*@).+" name;
    in template != null && cfg.netns ? ${builtins.head template};
  netnsFile = name: nameValuePair (if isInstance name then "${name}.netns.d/nixos.conf" else "${name}.netns");

  # Containers may name one that nobody declares, as before: it comes with the first that starts.
  undeclared = filterAttrs (name: _: name != "host" && !(cfg.netns ? ${name}))
    (mapAttrs' (_: c: nameValuePair c.netns { Namespace = if isInstance c.netns then { } else { AutoStart = false; }; })
      cfg.containers);

  written = mapAttrs (name: sections: pkgs.writeText "netnsd-file" (toFile name sections));

  objects = written (
    mapAttrs' netnsFile (undeclared // mapAttrs (_: netnsSections) cfg.netns)
    // mapAttrs' (name: c: nameValuePair "${name}.container" (removeAttrs c [ "config" "netns" ])) cfg.containers
  );
  daemon = written { "netnsd.conf" = cfg.settings; };

  # With names: a file that only got another one is a change.
  triggers = mapAttrsToList (name: file: "${name}=${file}");

  # In a sandbox what is in the store belongs to nobody that netnsctl trusts, so it looks at copies.
  check = pkgs.runCommand "netnsd-check" { } ''
    ${concatStrings (mapAttrsToList (name: file: "install -D ${file} ${escapeShellArg "files/${name}"}\n") (objects // daemon))}
    cp -r ${cfg.package}/lib/netnsd/plugins plugins
    NETNSD_CONFIG_PATH=$PWD/files NETNSD_PLUGIN_PATH=$PWD/plugins ${cfg.package}/bin/netnsctl check
    touch $out
  '';

  # --- what must hold ----------------------------------------------------------------------------------------

  # netnsd reads neither hidden files nor directories, so that no check would tell.
  isName = name: builtins.match "[A-Za-z0-9_:+@][A-Za-z0-9_.:+@-]*" name != null;
  names = attrNames (cfg.netns // cfg.containers // undeclared);
in
{
  options.networking.namespaces = {
    enable = mkEnableOption "netnsd, which makes network namespaces and runs containers in them";

    package = mkOption {
      type = types.package;
      default = pkgs.callPackage ./package.nix { };
      defaultText = literalExpression "pkgs.callPackage ./package.nix { }";
      description = "The package of netnsd, with its units, `netnsctl` and plugins.";
    };

    netns = mkOption {
      type = types.attrsOf (types.submodule netnsOpts);
      default = { };
      example = literalExpression ''
        {
          host = { Host = true; links.br-lan = { kind = "Bridge"; Address = "10.30.0.1/24"; }; };
          upstream.links.eth0 = { kind = "Veth"; PeerBridge = "br-lan"; Address = "10.30.0.2/24"; };
        }
      '';
      description = ''
        Network namespaces, each a file NAME.netns. What begins with a capital is a key of its section `[Namespace]`, see
        netnsd.netns(5). A string means its characters, percent signs too, but in a template (`"lab@"`), where `%i`,
        `%n` and `%%` are left as they are. An instance of it (`"lab@one"`) may add to it.
      '';
    };

    containers = mkOption {
      type = types.attrsOf (types.submodule containerOpts);
      default = { };
      example = literalExpression ''
        {
          upstream = { netns = "upstream"; config.services.nginx.enable = true; Service.Restart = "on-failure"; };
        }
      '';
      description = ''
        Containers, each a file NAME.container: NixOS systems (`config`), or what else the sections `Container`, `Exec`,
        `Files` and `Service` say, with the keys of netnsd.container(5). A list for `Parameters`, `HealthCmd` and
        `Environment` is one of words, which are quoted; a string there is a line as in the file. What names secrets
        should name files outside of the store: `Service.LoadCredential`.
      '';
    };

    settings = mkOption {
      type = sectionsType;
      default = { };
      example = { Manager.LogLevel = "debug"; };
      description = "Settings of the daemon, see netnsd.conf(5).";
    };

    restartChanged = mkOption {
      type = types.bool;
      default = true;
      description = ''
        Whether a switch restarts containers whose settings have changed, and only those, where a restart is what brings
        them into effect. Without it they run on, and `netnsctl list` says which need one.
      '';
    };

    checkConfig = mkOption {
      type = types.bool;
      default = true;
      description = ''
        Whether `netnsctl check` looks at the files when the system is built, so that one with an error is never
        switched to. Turn it off where the package cannot run on the machine that builds.
      '';
    };
  };

  config = mkMerge [
    {
      assertions = [
        {
          assertion = cfg.containers != { } || cfg.netns != { } -> cfg.enable;
          message = "netns containers and namespaces require netnsd: set networking.namespaces.enable = true";
        }
      ] ++ map (name: {
        assertion = isName name;
        message = "networking.namespaces: \"${name}\" cannot be the name of a namespace or container: "
          + "letters, digits and -_.:+@, not beginning with - or .";
      }) names;
    }

    (mkIf cfg.enable {
      environment.etc = mapAttrs' (name: source: nameValuePair "netnsd/${name}" { inherit source; }) (objects // daemon) // {
        "iproute2/rt_protos.d/netnsd.conf".source = ../rt_protos.d/netnsd.conf;
        # 60-nixos.conf, with what the administrator says, comes after it.
        "sysctl.d/50-netnsd.conf".source = ../sysctl.d/50-netnsd.conf;
      };
      environment.systemPackages = [ cfg.package ];
      users.groups.netnsd = { };
      system.checks = mkIf cfg.checkConfig [ check ];

      systemd.packages = [ cfg.package ];
      systemd.services.netnsd = {
        wantedBy = [ "multi-user.target" ];
        # Waits for the end, and tells what is wrong; there is no /bin/kill either.
        serviceConfig.ExecReload = [
          ""
          "${cfg.package}/bin/netnsctl reload${if cfg.restartChanged then " --restart" else ""}"
        ];
        # The objects are read again by a reload, netnsd.conf by a start. Containers run on over both, if it is a
        # restart in one step: a stop would lose the descriptors that systemd keeps for the next daemon.
        reloadTriggers = triggers objects;
        restartTriggers = triggers daemon;
        stopIfChanged = false;
      };
      # Its stop stops all containers: at shutdown, and when the module is turned off, not because its path changed.
      systemd.services.netnsd-shutdown = {
        restartIfChanged = false;
        stopIfChanged = false;
      };
      # Instances of the old names are what runs as well; drop-ins, as the templates are the package's.
      systemd.services."netns@" = instance;
      systemd.services."netns-up@" = instance;
      systemd.services."netns-container@" = instance;
      systemd.sockets.netnsd.wantedBy = [ "sockets.target" ];
      systemd.tmpfiles.packages = [ cfg.package ];
    })
  ];
}
