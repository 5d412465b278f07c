# SPDX-License-Identifier: LGPL-2.1-or-later
# fish completion for netnsctl(1). What there is to complete is known to "netnsctl complete" alone.

function __netnsctl_complete
	set -l before (commandline -opc)
	set -l current (commandline -ct)
	set -l plain (string unescape -- $current)
	or set plain (string trim --left --chars '\'"' -- $current) # a quote that is still open
	set -l command $before[1]
	set -e before[1]
	set -l lines ($command complete $before "$plain" 2>/dev/null)
	set -l kind $lines[1]
	set -e lines[1]
	switch "$kind"
		case words
			string join -- \n $lines
		case users
			set -l option (string match --regex -- '^--[^=]*=' $current)
			string replace --regex -- '^' "$option" (__fish_complete_users)
		case commands
			__fish_complete_command
		case files
			__fish_complete_path $current
	end
end

complete -c netnsctl -f -a '(__netnsctl_complete)'
