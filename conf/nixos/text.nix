# SPDX-License-Identifier: LGPL-2.1-or-later
# Attribute sets to the text of netnsd's files: pure, and all that knows of quoting. A string of Nix means its
# characters; what the syntax of systemd.syntax(7) cannot carry is refused, never written as something else.
{ lib }:
let
  inherit (builtins) elem fromJSON genList isBool isInt isList isString match replaceStrings stringLength substring;
  inherit (lib) concatMap concatStrings hasSuffix mapAttrsToList toList;

  # Character N of 1 to 31 and 127, and how it is written inside a word.
  codes = genList (n: n + 1) 31 ++ [ 127 ];
  hex = n: substring (n / 16) 1 "0123456789abcdef" + substring (n - n / 16 * 16) 1 "0123456789abcdef";
  controls = map (n: fromJSON "\"\\u00${hex n}\"") codes;
  escaped = map (n: "\\x${hex n}") codes;

  # Keys whose value is a command line or a list of words with quotes: a list in Nix is one of words.
  wordKeys = [ "Environment" "HealthCmd" "Parameters" ];

  lastCharacter = s: if s == "" then "" else substring (stringLength s - 1) 1 s;
  isBlank = c: c == " " || c == "\t";
  withoutLast = s: substring 0 (stringLength s - 1) s;

  # A backslash that is not itself escaped would continue the line.
  continues = s: hasSuffix "\\" s && !continues (withoutLast s);

  withoutControls = replaceStrings (map (c: if c == "\t" then "\n" else c) controls) (map (_: "") codes);
  isLine = s: withoutControls s == s && !continues s && !isBlank (substring 0 1 s) && !isBlank (lastCharacter s);

  quote = s:
    if match "[A-Za-z0-9_@%+=:,./-]+" s != null then s
    else "\"" + replaceStrings ([ "\\" "\"" ] ++ controls) ([ "\\\\" "\\\"" ] ++ escaped) s + "\"";

  # The value of a credential, to its last byte: a blank at its end would be cut off.
  credential = s:
    if lastCharacter s == " " then credential (withoutLast s) + "\\x20"
    else replaceStrings ([ "\\" ] ++ controls) ([ "\\\\" ] ++ escaped) s;

  # "%" begins a specifier. Templates want theirs, and "50%" alone is a percentage.
  percent = raw: s: if raw || match "[0-9.]+%" s != null then s else replaceStrings [ "%" ] [ "%%" ] s;

  word = value: if isBool value then (if value then "yes" else "no") else toString value;

  valueText = key: inList: value:
    if key == "SetCredential" then credential (word value)
    else if inList && elem key wordKeys then quote (word value)
    else word value;

  line = file: title: key: inList: value:
    let text = percent file.template (valueText key inList value);
    in
    if match "[A-Za-z0-9]+" key == null then
      throw "networking.namespaces: \"${key}\" in [${title}] of ${file.name} is no key: letters and digits"
    else if !isLine text then
      throw ("networking.namespaces: ${key}= in [${title}] of ${file.name} cannot be written into a file: a value is "
        + "one line, without blanks at its ends and without a backslash at its end")
    else "${key}=${text}\n";

  assignments = file: title: key: value:
    if value == null then [ ]
    else map (line file title key (isList value)) (toList value);

  section = file: title: keys:
    let text = percent file.template title;
    in
    if !isLine text || replaceStrings [ "[" "]" ] [ "" "" ] text != text then
      throw "networking.namespaces: \"${title}\" of ${file.name} cannot be a section: one line, without [ and ]"
    else "\n[${text}]\n" + concatStrings (concatMap (key: assignments file title key keys.${key}) (builtins.attrNames keys));

  isAtom = v: isBool v || isInt v || isString v;
in
{
  # A value of one key: of several definitions lists are put together, others must be equal.
  valueType = lib.mkOptionType {
    name = "value of a key";
    description = "boolean, integer, string, or list of these; null leaves the key out";
    check = v: v == null || isAtom v || (isList v && lib.all isAtom v);
    merge = loc: defs:
      if lib.any (d: isList d.value) defs then concatMap (d: toList d.value) defs
      else lib.mergeEqualOption loc defs;
  };

  # FILE is the name with its suffix; SECTIONS is { "Veth eth0" = { Address = [ ... ]; }; }
  toFile = name: sections:
    let file = { inherit name; template = match ".*@\\.netns" name != null; };
    in
    "# Made by NixOS from networking.namespaces; see netnsd(8).\n"
    + concatStrings (mapAttrsToList (section file) sections);
}
