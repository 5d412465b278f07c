# SPDX-License-Identifier: LGPL-2.1-or-later
# A small stand-in for nixpkgs' lib, for machines that have none: of the module system and of the functions only
# what conf/nixos uses, with the meaning that they have there. `NIXPKGS_LIB=DIRECTORY nixos.sh` takes the real one.
let
  inherit (builtins)
    all any attrNames attrValues concatLists concatMap elem filter foldl' head isAttrs isBool isFunction isList isString
    length listToAttrs map mapAttrs match replaceStrings stringLength substring;

  # --- lists, sets, strings ----------------------------------------------------------------------------------

  concatStrings = builtins.concatStringsSep "";
  mapAttrsToList = f: set: map (name: f name set.${name}) (attrNames set);
  nameValuePair = name: value: { inherit name value; };
  mapAttrs' = f: set: listToAttrs (mapAttrsToList f set);
  filterAttrs = keep: set: removeAttrs set (filter (name: !keep name set.${name}) (attrNames set));
  toList = x: if isList x then x else [ x ];
  hasSuffix = suffix: s:
    let n = stringLength s - stringLength suffix;
    in n >= 0 && substring n (stringLength suffix) s == suffix;
  escapeShellArg = s:
    if match "[[:alnum:],._+:@%/-]+" s != null then s else "'${replaceStrings [ "'" ] [ "'\\''" ] s}'";
  unique = foldl' (seen: x: if elem x seen then seen else seen ++ [ x ]) [ ];
  showLoc = builtins.concatStringsSep ".";

  # --- values with conditions and priorities -----------------------------------------------------------------

  isA = type: v: isAttrs v && v._type or null == type;
  mkIf = condition: content: { _type = "if"; inherit condition content; };
  mkMerge = contents: { _type = "merge"; inherit contents; };
  mkOverride = priority: content: { _type = "override"; inherit priority content; };
  mkDefault = mkOverride 1000;

  # To [ { priority; value; } ]
  discharge = v:
    if isA "merge" v then concatMap discharge v.contents
    else if isA "if" v then (if v.condition then discharge v.content else [ ])
    else if isA "override" v then map (d: { inherit (v) priority; inherit (d) value; }) (discharge v.content)
    else [ { priority = 100; value = v; } ];

  # Into the attributes of a set, without a look at the condition: it may depend on another one of them.
  pushDown = v:
    if isA "merge" v then concatMap pushDown v.contents
    else if isA "if" v then map (mapAttrs (_: mkIf v.condition)) (pushDown v.content)
    else if isA "override" v then map (mapAttrs (_: mkOverride v.priority)) (pushDown v.content)
    else [ v ];

  strongest = found:
    let least = foldl' (a: d: if d.priority < a then d.priority else a) 9999 found;
    in map (d: d.value) (filter (d: d.priority == least) found);

  mergeDefinitions = loc: type: definitions:
    let values = strongest (concatMap discharge definitions);
    in
    if values == [ ] then throw "The option `${showLoc loc}' is used but not defined."
    else if !all type.check values then
      throw "A definition for option `${showLoc loc}' is not of type `${type.description}'."
    else type.merge loc (map (value: { file = "<stand-in>"; inherit value; }) values);

  mergeEqualOption = loc: defs:
    if all (d: d.value == (head defs).value) defs then (head defs).value
    else throw "The option `${showLoc loc}' has conflicting definition values.";

  # --- types -------------------------------------------------------------------------------------------------

  mkOptionType = { name, description ? name, check ? (_: true), merge ? mergeEqualOption }:
    { _type = "option-type"; inherit name description check merge; };
  simple = name: check: mkOptionType { inherit name check; };

  namesOf = sets: unique (concatMap attrNames sets);
  definitionsOf = name: sets: map (set: set.${name}) (filter (set: set ? ${name}) sets);

  types = {
    bool = simple "boolean" isBool;
    str = simple "string" isString;
    package = simple "package" (v: isAttrs v && v.type or null == "derivation");
    raw = simple "anything" (_: true);
    listOf = element: mkOptionType {
      name = "list of ${element.name}";
      check = isList;
      merge = loc: defs: map (v: mergeDefinitions loc element [ v ]) (concatMap (d: d.value) defs);
    };
    attrsOf = element: mkOptionType {
      name = "attribute set of ${element.name}";
      check = isAttrs;
      merge = loc: defs:
        let
          sets = concatMap (d: pushDown d.value) defs;
          defined = filter (name: concatMap discharge (definitionsOf name sets) != [ ]) (namesOf sets);
        in
        listToAttrs (map (name:
          nameValuePair name (mergeDefinitions (loc ++ [ name ]) element (definitionsOf name sets))) defined);
    };
    submodule = module: mkOptionType {
      name = "submodule";
      check = isAttrs;
      merge = loc: defs: (evalModules {
        modules = toList module ++ map (d: { config = d.value; }) defs;
        specialArgs.name = builtins.elemAt loc (length loc - 1);
        prefix = loc;
      }).config;
    };
  };

  # --- modules -----------------------------------------------------------------------------------------------

  mkOption = option: option // { _type = "option"; };
  mkEnableOption = what: mkOption {
    type = types.bool;
    default = false;
    description = "Whether to enable ${what}.";
  };

  definitionsWithDefault = option: definitions:
    definitions ++ (if option ? default then [ (mkOverride 1500 option.default) ] else [ ]);

  # Options declared in several modules, as one tree.
  joinTrees = a: b: a // mapAttrs (name: v:
    if a ? ${name} && !isA "option" v then joinTrees a.${name} v else v) b;

  evalTree = loc: freeform: tree: definitions:
    if isA "option" tree then mergeDefinitions loc tree.type (definitionsWithDefault tree definitions)
    else
      let
        sets = concatMap pushDown definitions;
        known = mapAttrs (name: sub: evalTree (loc ++ [ name ]) null sub (definitionsOf name sets)) tree;
        others = filter (name: !(tree ? ${name})) (namesOf sets);
        free = freeform.merge loc (map (set: { value = removeAttrs set (attrNames tree); }) sets);
      in
      if freeform != null then free // known
      else if others != [ ] then throw "The option `${showLoc (loc ++ [ (head others) ])}' does not exist."
      else known;

  withDefinedness = tree: definitions:
    if isA "option" tree then
      tree // { isDefined = concatMap discharge (definitionsWithDefault tree definitions) != [ ]; }
    else
      let sets = concatMap pushDown definitions;
      in mapAttrs (name: sub: withDefinedness sub (definitionsOf name sets)) tree;

  evalModules = { modules, specialArgs ? { }, prefix ? [ ] }:
    let
      arguments = { inherit config lib options; } // specialArgs;
      whole = module: let m = if isFunction module then module arguments else module; in
        if m ? options || m ? config || m ? freeformType then m else { config = m; };
      all = map whole modules;
      tree = foldl' joinTrees { } (map (m: m.options or { }) all);
      definitions = map (m: m.config or { }) all;
      forms = concatMap (m: if m ? freeformType then [ m.freeformType ] else [ ]) all;
      options = withDefinedness tree definitions;
      config = evalTree prefix (if forms == [ ] then null else head forms) tree definitions;
    in
    { inherit config options; };

  lib = {
    inherit
      all any attrNames attrValues concatMap concatStrings escapeShellArg evalModules filterAttrs hasSuffix mapAttrs
      mapAttrs' mapAttrsToList mergeEqualOption mkDefault mkEnableOption mkIf mkMerge mkOption mkOptionType nameValuePair
      toList types;
    literalExpression = text: text;
    cleanSource = path: path;
    mkForce = mkOverride 50;
  };
in
lib
