# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_keyroll_controller_global_optspecs
    string join \n config= h/help V/version
end

function __fish_keyroll_controller_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_keyroll_controller_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_keyroll_controller_using_subcommand
    set -l cmd (__fish_keyroll_controller_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c keyroll-controller -n "__fish_keyroll_controller_needs_command" -l config -d 'The configuration file' -r -F
complete -c keyroll-controller -n "__fish_keyroll_controller_needs_command" -s h -l help -d 'Print help'
complete -c keyroll-controller -n "__fish_keyroll_controller_needs_command" -s V -l version -d 'Print version'
complete -c keyroll-controller -n "__fish_keyroll_controller_needs_command" -f -a "init" -d 'Make the sealing key, the store and the certificate authority of a new controller'
complete -c keyroll-controller -n "__fish_keyroll_controller_needs_command" -f -a "check" -d 'Check the configuration; nothing is opened or changed'
complete -c keyroll-controller -n "__fish_keyroll_controller_needs_command" -f -a "restore" -d 'Make the state of a controller from a backup; it needs the sealing key of that time'
complete -c keyroll-controller -n "__fish_keyroll_controller_needs_command" -f -a "run" -d 'Serve, until stopped'
complete -c keyroll-controller -n "__fish_keyroll_controller_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c keyroll-controller -n "__fish_keyroll_controller_using_subcommand init" -l config -d 'The configuration file' -r -F
complete -c keyroll-controller -n "__fish_keyroll_controller_using_subcommand init" -s h -l help -d 'Print help'
complete -c keyroll-controller -n "__fish_keyroll_controller_using_subcommand check" -l config -d 'The configuration file' -r -F
complete -c keyroll-controller -n "__fish_keyroll_controller_using_subcommand check" -s h -l help -d 'Print help'
complete -c keyroll-controller -n "__fish_keyroll_controller_using_subcommand restore" -s o -l output -d 'For people or for programs' -r -f -a "table\t''
json\t''"
complete -c keyroll-controller -n "__fish_keyroll_controller_using_subcommand restore" -l config -d 'The configuration file' -r -F
complete -c keyroll-controller -n "__fish_keyroll_controller_using_subcommand restore" -l dry-run -d 'Check the whole backup and show what is in it; make nothing'
complete -c keyroll-controller -n "__fish_keyroll_controller_using_subcommand restore" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll-controller -n "__fish_keyroll_controller_using_subcommand run" -l config -d 'The configuration file' -r -F
complete -c keyroll-controller -n "__fish_keyroll_controller_using_subcommand run" -s h -l help -d 'Print help'
complete -c keyroll-controller -n "__fish_keyroll_controller_using_subcommand help; and not __fish_seen_subcommand_from init check restore run help" -f -a "init" -d 'Make the sealing key, the store and the certificate authority of a new controller'
complete -c keyroll-controller -n "__fish_keyroll_controller_using_subcommand help; and not __fish_seen_subcommand_from init check restore run help" -f -a "check" -d 'Check the configuration; nothing is opened or changed'
complete -c keyroll-controller -n "__fish_keyroll_controller_using_subcommand help; and not __fish_seen_subcommand_from init check restore run help" -f -a "restore" -d 'Make the state of a controller from a backup; it needs the sealing key of that time'
complete -c keyroll-controller -n "__fish_keyroll_controller_using_subcommand help; and not __fish_seen_subcommand_from init check restore run help" -f -a "run" -d 'Serve, until stopped'
complete -c keyroll-controller -n "__fish_keyroll_controller_using_subcommand help; and not __fish_seen_subcommand_from init check restore run help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
