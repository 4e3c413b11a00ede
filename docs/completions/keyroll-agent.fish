# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_keyroll_agent_global_optspecs
    string join \n config= h/help V/version
end

function __fish_keyroll_agent_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_keyroll_agent_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_keyroll_agent_using_subcommand
    set -l cmd (__fish_keyroll_agent_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c keyroll-agent -n "__fish_keyroll_agent_needs_command" -l config -d 'The settings' -r -F
complete -c keyroll-agent -n "__fish_keyroll_agent_needs_command" -s h -l help -d 'Print help'
complete -c keyroll-agent -n "__fish_keyroll_agent_needs_command" -s V -l version -d 'Print version'
complete -c keyroll-agent -n "__fish_keyroll_agent_needs_command" -f -a "check" -d 'Look at the settings and every keytab; nothing is changed'
complete -c keyroll-agent -n "__fish_keyroll_agent_needs_command" -f -a "show" -d 'Show what the keytabs hold: principal, kvno, enctype, time; never a key'
complete -c keyroll-agent -n "__fish_keyroll_agent_needs_command" -f -a "join" -d 'Join by an invitation, which comes on standard input (or in a file, never as an argument)'
complete -c keyroll-agent -n "__fish_keyroll_agent_needs_command" -f -a "run" -d 'Serve the controller, until stopped'
complete -c keyroll-agent -n "__fish_keyroll_agent_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c keyroll-agent -n "__fish_keyroll_agent_using_subcommand check" -s o -l output -d 'For people or for programs' -r -f -a "table\t'For people'
json\t'For programs'"
complete -c keyroll-agent -n "__fish_keyroll_agent_using_subcommand check" -l config -d 'The settings' -r -F
complete -c keyroll-agent -n "__fish_keyroll_agent_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll-agent -n "__fish_keyroll_agent_using_subcommand show" -s o -l output -d 'For people or for programs' -r -f -a "table\t'For people'
json\t'For programs'"
complete -c keyroll-agent -n "__fish_keyroll_agent_using_subcommand show" -l config -d 'The settings' -r -F
complete -c keyroll-agent -n "__fish_keyroll_agent_using_subcommand show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll-agent -n "__fish_keyroll_agent_using_subcommand join" -l invitation-file -d 'The file with the invitation; `-` is standard input' -r -F
complete -c keyroll-agent -n "__fish_keyroll_agent_using_subcommand join" -l address -d 'Where the controller shall dial this agent, host:port; by default the node\'s name and the port of `listen`' -r
complete -c keyroll-agent -n "__fish_keyroll_agent_using_subcommand join" -l csr-out -d 'Join by files: write a signing request here, to be carried to `keyroll node add --csr`' -r -F
complete -c keyroll-agent -n "__fish_keyroll_agent_using_subcommand join" -l node -d 'The node\'s name, for the signing request' -r
complete -c keyroll-agent -n "__fish_keyroll_agent_using_subcommand join" -l certificate -d 'Join by files: the certificate that came back' -r -F
complete -c keyroll-agent -n "__fish_keyroll_agent_using_subcommand join" -l authorities -d 'Join by files: the authorities that came with it' -r -F
complete -c keyroll-agent -n "__fish_keyroll_agent_using_subcommand join" -l config -d 'The settings' -r -F
complete -c keyroll-agent -n "__fish_keyroll_agent_using_subcommand join" -s h -l help -d 'Print help'
complete -c keyroll-agent -n "__fish_keyroll_agent_using_subcommand run" -l config -d 'The settings' -r -F
complete -c keyroll-agent -n "__fish_keyroll_agent_using_subcommand run" -s h -l help -d 'Print help'
complete -c keyroll-agent -n "__fish_keyroll_agent_using_subcommand help; and not __fish_seen_subcommand_from check show join run help" -f -a "check" -d 'Look at the settings and every keytab; nothing is changed'
complete -c keyroll-agent -n "__fish_keyroll_agent_using_subcommand help; and not __fish_seen_subcommand_from check show join run help" -f -a "show" -d 'Show what the keytabs hold: principal, kvno, enctype, time; never a key'
complete -c keyroll-agent -n "__fish_keyroll_agent_using_subcommand help; and not __fish_seen_subcommand_from check show join run help" -f -a "join" -d 'Join by an invitation, which comes on standard input (or in a file, never as an argument)'
complete -c keyroll-agent -n "__fish_keyroll_agent_using_subcommand help; and not __fish_seen_subcommand_from check show join run help" -f -a "run" -d 'Serve the controller, until stopped'
complete -c keyroll-agent -n "__fish_keyroll_agent_using_subcommand help; and not __fish_seen_subcommand_from check show join run help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
