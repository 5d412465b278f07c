# SPDX-License-Identifier: LGPL-2.1-or-later
# What the test switches to: namespaces with all sorts of sections, strings that need care, a program of its own and a
# NixOS as payload.
{ lib, ... }:
let
  # Texts that the test writes: not by Nix' own syntax.
  odd = builtins.fromJSON (builtins.readFile /run/sandbox/odd.json);
in
{
  networking.namespaces = {
    enable = true;
    settings.Manager = { LogLevel = "debug"; Workers = 1; };

    netns.host = {
      Host = true;
      links.br-lan = { kind = "Bridge"; Address = [ "10.30.0.1/24" "fd00:30::1/64" ]; };
    };
    netns.upstream = {
      Description = odd.line;
      DNS = [ "10.30.0.1" "10.30.0.2" ];
      IPv4Forwarding = true;
      links.eth0 = {
        kind = "Veth";
        PeerBridge = "br-lan";
        MTUBytes = 1400;
        Alias = odd.line;
        Address = [ "10.30.0.2/24" "fd00:30::2/64" ];
        Gateway = "10.30.0.1";
      };
      links.inner.kind = "Bridge";
      addresses.second = { Link = "inner"; Address = "10.31.0.1/32"; };
      routes.mirrors = { Destination = "198.51.100.0/24"; Gateway = "10.30.0.254"; Metric = 50; };
      rules.first = { Priority = 1000; From = "10.31.0.1"; Table = 100; };
      neighbors.a = { Link = "eth0"; Address = "10.30.0.99"; LinkLayerAddress = "02:00:00:00:00:99"; };
    };
    netns."lab@" = { Description = "Lab %i of %n, 100%%"; links.inner.kind = "Bridge"; };
    netns."lab@one".Description = lib.mkIf true "100%i";
    containers.two = { netns = "lab@two"; Exec.Parameters = "/bin/true 'not started'"; };

    containers.plain = {
      netns = "upstream";
      Container.Directory = "/run/sandbox/machines/plain";
      Exec = {
        Parameters = [ "/payload" "log" "/shared/log" "event" odd.bytes "event" "" "sleep" ];
        Environment = [ "ODD=${odd.word}" "PLAIN=1" ];
      };
      Files.Bind = "/run/sandbox/shared/plain:/shared";
      Service = { SetCredential = "odd:${odd.bytes}"; CPUQuota = "50%"; };
    };

    # As it would be, but for where on the machine its store lies.
    containers.nixos = {
      config = { };
      Container.CreateDirectory = lib.mkForce [ "/run/sandbox/nix/var:0750" ];
      Files.BindReadOnly = lib.mkForce [ "/run/sandbox/nix/store:/nix/store" ];
      Files.Bind = lib.mkForce [ "/run/sandbox/nix/var:/nix/var/nix/profiles" ];
    };
  };
}
