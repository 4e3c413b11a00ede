# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_keyroll_global_optspecs
    string join \n controller= socket= config= o/output= color= timeout= v/verbose h/help V/version
end

function __fish_keyroll_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_keyroll_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_keyroll_using_subcommand
    set -l cmd (__fish_keyroll_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c keyroll -n "__fish_keyroll_needs_command" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_needs_command" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_needs_command" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_needs_command" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_needs_command" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_needs_command" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_needs_command" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_needs_command" -s V -l version -d 'Print version'
complete -c keyroll -n "__fish_keyroll_needs_command" -f -a "array" -d 'Arrays: the nodes that answer under one name with one account\'s key'
complete -c keyroll -n "__fish_keyroll_needs_command" -f -a "node" -d 'Nodes: the machines of an array, each with an agent'
complete -c keyroll -n "__fish_keyroll_needs_command" -f -a "roll" -d 'Roll an account\'s password, or look at a roll'
complete -c keyroll -n "__fish_keyroll_needs_command" -f -a "schedule" -d 'When an array rolls by itself'
complete -c keyroll -n "__fish_keyroll_needs_command" -f -a "verify" -d 'Prove that an array\'s nodes and domain controllers hold the right keys'
complete -c keyroll -n "__fish_keyroll_needs_command" -f -a "doctor" -d 'Find out what is wrong with an array, why, and what mends it'
complete -c keyroll -n "__fish_keyroll_needs_command" -f -a "delegation" -d 'Delegation: who may act for whom by way of an array\'s account, and a try of it'
complete -c keyroll -n "__fish_keyroll_needs_command" -f -a "explain" -d 'Say what an error of Kerberos, LDAP or Active Directory means, and what to do'
complete -c keyroll -n "__fish_keyroll_needs_command" -f -a "status" -d 'What there is, what goes on, and what needs attention'
complete -c keyroll -n "__fish_keyroll_needs_command" -f -a "audit" -d 'The tamper-evident record of who did what, and when'
complete -c keyroll -n "__fish_keyroll_needs_command" -f -a "spn" -d 'Service principal names: what clients ask tickets for'
complete -c keyroll -n "__fish_keyroll_needs_command" -f -a "change" -d 'Changes of the directory besides passwords: what was planned, made, and can be taken back'
complete -c keyroll -n "__fish_keyroll_needs_command" -f -a "approval" -d 'What nobody may do alone here, and waits for a second person'
complete -c keyroll -n "__fish_keyroll_needs_command" -f -a "authority" -d 'The controller\'s certificate authority, replaced while everything goes on'
complete -c keyroll -n "__fish_keyroll_needs_command" -f -a "operator" -d 'Operators: who may ask the controller for what'
complete -c keyroll -n "__fish_keyroll_needs_command" -f -a "backup" -d 'Write everything that the controller knows to a file, while it runs'
complete -c keyroll -n "__fish_keyroll_needs_command" -f -a "recover" -d 'Go on with an array that the controller\'s memory is too old for'
complete -c keyroll -n "__fish_keyroll_needs_command" -f -a "completions" -d 'Print a shell\'s completions'
complete -c keyroll -n "__fish_keyroll_needs_command" -f -a "man" -d 'Write the man pages, one for each verb'
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and not __fish_seen_subcommand_from create adopt list show set delete" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and not __fish_seen_subcommand_from create adopt list show set delete" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and not __fish_seen_subcommand_from create adopt list show set delete" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and not __fish_seen_subcommand_from create adopt list show set delete" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and not __fish_seen_subcommand_from create adopt list show set delete" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and not __fish_seen_subcommand_from create adopt list show set delete" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and not __fish_seen_subcommand_from create adopt list show set delete" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and not __fish_seen_subcommand_from create adopt list show set delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and not __fish_seen_subcommand_from create adopt list show set delete" -f -a "create" -d 'Make an array and its directory account, or take an account never used so far'
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and not __fish_seen_subcommand_from create adopt list show set delete" -f -a "adopt" -d 'Take an account that is in service already, without a failed login'
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and not __fish_seen_subcommand_from create adopt list show set delete" -f -a "list" -d 'List the arrays'
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and not __fish_seen_subcommand_from create adopt list show set delete" -f -a "show" -d 'Show one array: account, keys, nodes, policy, schedule, alarms'
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and not __fish_seen_subcommand_from create adopt list show set delete" -f -a "set" -d 'Change rules that an array is rolled by: the gate, ticket life, password length, …'
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and not __fish_seen_subcommand_from create adopt list show set delete" -f -a "delete" -d 'Forget an array; its account stays in the directory'
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from create" -l account -d 'The account\'s sAMAccountName; a computer account\'s ends in $' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from create" -l kind -d 'The kind of account to make; without it, `computer`' -r -f -a "computer\t'A computer account: no password policy stands in the way of a roll'
user\t'A user account'"
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from create" -l container -d 'The container to make the account in, as a distinguished name' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from create" -l spn -d 'A service principal name, such as HTTP/web.corp.example; may be repeated' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from create" -l enctype -d 'An enctype, such as aes256-cts-hmac-sha1-96; may be repeated; without it, AES only' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from create" -l trustee -d 'With --print-acl: the account that the controller binds as, if not the configured one' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from create" -l gate -d 'Which nodes must hold the new key before the directory changes: `all`, `all-but NODE,NODE`, `at-least N` or `must-have NODE,NODE`; by default `all`' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from create" -l stage-deadline -d 'How long staging may take; by default 2min' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from create" -l on-deadline -d 'What to do with nodes that are not staged by then; by default `abort`' -r -f -a "abort\t'Abort the roll'
quarantine\t'Quarantine them and go on'"
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from create" -l ticket-life -d 'The longest life of a ticket in the domain: the old key is kept for this, plus twice the clock skew, plus the margin. By default 10h, or as long as the roll\'s own tickets live; what is given counts even if they live longer' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from create" -l clock-skew -d 'How far clocks may differ; by default 5min' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from create" -l margin -d 'A margin on top; by default 20min' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from create" -l method -d 'How the password is written: changed with the old one, or reset; by default `auto`' -r -f -a "auto\t'Change, and reset where a change cannot be'
change\t'Change, giving the old password'
reset\t'A fenced reset'"
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from create" -l password-length -d 'Characters of a password, at most 120; by default 64' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from create" -l heal -d 'What to do about a password that somebody else has set: raise an alarm, or give the nodes a new key and reset the account, once an hour at most; by default `never`' -r -f -a "never\t'An alarm; an operator decides'
reset\t'A roll that resets the account'"
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from create" -l delegation-gap -d 'What to do about an account that delegates with the tickets that clients show it, which a roll may make worthless as evidence until they have fetched new ones; by default `refuse`' -r -f -a "refuse\t'No roll until an operator accepts it (keyroll roll --accept-delegation-gap)'
in-window\t'Roll while a window of the schedule is open'
accept\t'Roll'"
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from create" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from create" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from create" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from create" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from create" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from create" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from create" -l take-existing -d 'Take the account although it exists: its password is RESET at once, so it must not be in service (for that, see `array adopt`)'
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from create" -l print-acl -d 'Print the rights that the controller\'s account needs, as dsacls and samba-tool commands, and change nothing: on the account, if there is one, and on the container to make one in'
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from create" -l dry-run -d 'Check everything and say what would be done; change nothing'
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from create" -s y -l yes -d 'Do not ask; needed where there is no terminal to ask on'
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from create" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from adopt" -l account -d 'The account\'s sAMAccountName' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from adopt" -l password-file -d 'A file with the password in force, one line; `-` reads standard input' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from adopt" -l keytab -d 'A keytab with the keys in force; `-` reads standard input' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from adopt" -l enctype -d 'An enctype; may be repeated; without it, AES only' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from adopt" -l gate -d 'Which nodes must hold the new key before the directory changes: `all`, `all-but NODE,NODE`, `at-least N` or `must-have NODE,NODE`; by default `all`' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from adopt" -l stage-deadline -d 'How long staging may take; by default 2min' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from adopt" -l on-deadline -d 'What to do with nodes that are not staged by then; by default `abort`' -r -f -a "abort\t'Abort the roll'
quarantine\t'Quarantine them and go on'"
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from adopt" -l ticket-life -d 'The longest life of a ticket in the domain: the old key is kept for this, plus twice the clock skew, plus the margin. By default 10h, or as long as the roll\'s own tickets live; what is given counts even if they live longer' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from adopt" -l clock-skew -d 'How far clocks may differ; by default 5min' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from adopt" -l margin -d 'A margin on top; by default 20min' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from adopt" -l method -d 'How the password is written: changed with the old one, or reset; by default `auto`' -r -f -a "auto\t'Change, and reset where a change cannot be'
change\t'Change, giving the old password'
reset\t'A fenced reset'"
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from adopt" -l password-length -d 'Characters of a password, at most 120; by default 64' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from adopt" -l heal -d 'What to do about a password that somebody else has set: raise an alarm, or give the nodes a new key and reset the account, once an hour at most; by default `never`' -r -f -a "never\t'An alarm; an operator decides'
reset\t'A roll that resets the account'"
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from adopt" -l delegation-gap -d 'What to do about an account that delegates with the tickets that clients show it, which a roll may make worthless as evidence until they have fetched new ones; by default `refuse`' -r -f -a "refuse\t'No roll until an operator accepts it (keyroll roll --accept-delegation-gap)'
in-window\t'Roll while a window of the schedule is open'
accept\t'Roll'"
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from adopt" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from adopt" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from adopt" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from adopt" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from adopt" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from adopt" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from adopt" -l dry-run -d 'Check everything and say what would be done; change nothing'
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from adopt" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from adopt" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from list" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from list" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from list" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from list" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from list" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from list" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from show" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from show" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from show" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from show" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from show" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from show" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from set" -l gate -d 'Which nodes must hold the new key before the directory changes: `all`, `all-but NODE,NODE`, `at-least N` or `must-have NODE,NODE`; by default `all`' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from set" -l stage-deadline -d 'How long staging may take; by default 2min' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from set" -l on-deadline -d 'What to do with nodes that are not staged by then; by default `abort`' -r -f -a "abort\t'Abort the roll'
quarantine\t'Quarantine them and go on'"
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from set" -l ticket-life -d 'The longest life of a ticket in the domain: the old key is kept for this, plus twice the clock skew, plus the margin. By default 10h, or as long as the roll\'s own tickets live; what is given counts even if they live longer' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from set" -l clock-skew -d 'How far clocks may differ; by default 5min' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from set" -l margin -d 'A margin on top; by default 20min' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from set" -l method -d 'How the password is written: changed with the old one, or reset; by default `auto`' -r -f -a "auto\t'Change, and reset where a change cannot be'
change\t'Change, giving the old password'
reset\t'A fenced reset'"
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from set" -l password-length -d 'Characters of a password, at most 120; by default 64' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from set" -l heal -d 'What to do about a password that somebody else has set: raise an alarm, or give the nodes a new key and reset the account, once an hour at most; by default `never`' -r -f -a "never\t'An alarm; an operator decides'
reset\t'A roll that resets the account'"
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from set" -l delegation-gap -d 'What to do about an account that delegates with the tickets that clients show it, which a roll may make worthless as evidence until they have fetched new ones; by default `refuse`' -r -f -a "refuse\t'No roll until an operator accepts it (keyroll roll --accept-delegation-gap)'
in-window\t'Roll while a window of the schedule is open'
accept\t'Roll'"
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from set" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from set" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from set" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from set" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from set" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from set" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from set" -l dry-run -d 'Check everything and say what would be done; change nothing'
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from set" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from set" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from delete" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from delete" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from delete" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from delete" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from delete" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from delete" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from delete" -l wipe-nodes -d 'Wipe the array\'s keys on its nodes too'
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from delete" -l dry-run -d 'Check everything and say what would be done; change nothing'
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from delete" -s y -l yes -d 'Do not ask; needed where there is no terminal to ask on'
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from delete" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand array; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and not __fish_seen_subcommand_from add list show remove quarantine resume password" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and not __fish_seen_subcommand_from add list show remove quarantine resume password" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and not __fish_seen_subcommand_from add list show remove quarantine resume password" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and not __fish_seen_subcommand_from add list show remove quarantine resume password" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and not __fish_seen_subcommand_from add list show remove quarantine resume password" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and not __fish_seen_subcommand_from add list show remove quarantine resume password" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and not __fish_seen_subcommand_from add list show remove quarantine resume password" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and not __fish_seen_subcommand_from add list show remove quarantine resume password" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and not __fish_seen_subcommand_from add list show remove quarantine resume password" -f -a "add" -d 'Invite a node: prints the one line to run on it'
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and not __fish_seen_subcommand_from add list show remove quarantine resume password" -f -a "list" -d 'List the nodes with their state'
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and not __fish_seen_subcommand_from add list show remove quarantine resume password" -f -a "show" -d 'Show one node: its keytabs, their entries, its certificate, its clock'
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and not __fish_seen_subcommand_from add list show remove quarantine resume password" -f -a "remove" -d 'Take a node out of an array: its keys are wiped there, and a roll is proposed'
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and not __fish_seen_subcommand_from add list show remove quarantine resume password" -f -a "quarantine" -d 'Keep a node out of service: it is not ready, and rolls do not wait for it'
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and not __fish_seen_subcommand_from add list show remove quarantine resume password" -f -a "resume" -d 'Let a quarantined node catch up and serve again'
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and not __fish_seen_subcommand_from add list show remove quarantine resume password" -f -a "password" -d 'Let a node have the array\'s password itself, or not any more: other nodes get keys alone'
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from add" -l address -d 'Where to dial the node\'s agent; without it, the node\'s name and the default port' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from add" -l token-lifetime -d 'How long the token works: ten minutes, or less' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from add" -l join-file -d 'Write the line to run to a new file (mode 0600) instead of printing it' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from add" -l csr -d 'The node\'s signing request, carried here by file; then no token is made' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from add" -l certificate-out -d 'With --csr: write the node\'s certificate here' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from add" -l ca-out -d 'With --csr: write the authorities here; without it, beside the certificate as ca.crt' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from add" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from add" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from add" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from add" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from add" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from add" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from add" -l dry-run -d 'Check everything and say what would be done; change nothing'
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from add" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from list" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from list" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from list" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from list" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from list" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from list" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from show" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from show" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from show" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from show" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from show" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from show" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from remove" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from remove" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from remove" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from remove" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from remove" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from remove" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from remove" -l unreachable -d 'It is gone, or in wrong hands: let go of it at once, wiped or not, and cut it off with its last array; roll afterwards'
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from remove" -l dry-run -d 'Check everything and say what would be done; change nothing'
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from remove" -s y -l yes -d 'Do not ask; needed where there is no terminal to ask on'
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from remove" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from quarantine" -l reason -d 'Why, for the others and for the audit trail' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from quarantine" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from quarantine" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from quarantine" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from quarantine" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from quarantine" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from quarantine" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from quarantine" -l dry-run -d 'Check everything and say what would be done; change nothing'
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from quarantine" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from quarantine" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from resume" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from resume" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from resume" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from resume" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from resume" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from resume" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from resume" -l dry-run -d 'Check everything and say what would be done; change nothing'
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from resume" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from resume" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from password" -l allow -d 'Send it for this use, sealed to the key that the node has now: logon-session, service-logon or iis-pool' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from password" -l forbid -d 'Do not send it for this use any more; what the node keeps of it is wiped' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from password" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from password" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from password" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from password" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from password" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from password" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from password" -l dry-run -d 'Check everything and say what would be done; change nothing'
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from password" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand node; and __fish_seen_subcommand_from password" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and not __fish_seen_subcommand_from status watch abort resolve history explain" -l array -d 'An array to roll, which may be named like a verb; may be repeated' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and not __fish_seen_subcommand_from status watch abort resolve history explain" -l kill -d 'With --emergency: when the old key goes; without it, `converged`' -r -f -a "converged\t'When every domain controller issues the new key: old tickets must be fetched anew'
now\t'Right after the change: tickets from domain controllers that lag fail too'
drain\t'When the last ticket is dead, as in an ordinary roll: no login fails, forged tickets work on'"
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and not __fish_seen_subcommand_from status watch abort resolve history explain" -l reason -d 'Why, for the others and for the audit trail' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and not __fish_seen_subcommand_from status watch abort resolve history explain" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and not __fish_seen_subcommand_from status watch abort resolve history explain" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and not __fish_seen_subcommand_from status watch abort resolve history explain" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and not __fish_seen_subcommand_from status watch abort resolve history explain" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and not __fish_seen_subcommand_from status watch abort resolve history explain" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and not __fish_seen_subcommand_from status watch abort resolve history explain" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and not __fish_seen_subcommand_from status watch abort resolve history explain" -l all -d 'Roll every array'
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and not __fish_seen_subcommand_from status watch abort resolve history explain" -l emergency -d 'A key has leaked: roll at once and take the old key away early (--kill)'
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and not __fish_seen_subcommand_from status watch abort resolve history explain" -l accept-delegation-gap -d 'Roll though the account delegates: until clients have fetched new tickets, it may not be able to do so for them. An emergency does not ask'
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and not __fish_seen_subcommand_from status watch abort resolve history explain" -s w -l wait -d 'Wait until the rolls end; the exit code tells how'
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and not __fish_seen_subcommand_from status watch abort resolve history explain" -l dry-run -d 'Check everything and say what would be done; change nothing'
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and not __fish_seen_subcommand_from status watch abort resolve history explain" -s y -l yes -d 'Do not ask; needed where there is no terminal to ask on'
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and not __fish_seen_subcommand_from status watch abort resolve history explain" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and not __fish_seen_subcommand_from status watch abort resolve history explain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and not __fish_seen_subcommand_from status watch abort resolve history explain" -a "status" -d 'Show the roll under way, or the last one'
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and not __fish_seen_subcommand_from status watch abort resolve history explain" -a "watch" -d 'Follow a roll until it ends or is halted; the exit code tells how it ended'
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and not __fish_seen_subcommand_from status watch abort resolve history explain" -a "abort" -d 'Take a roll back; possible until the directory has been asked to change'
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and not __fish_seen_subcommand_from status watch abort resolve history explain" -a "resolve" -d 'Decide what a halted roll cannot decide by itself'
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and not __fish_seen_subcommand_from status watch abort resolve history explain" -a "history" -d 'List an array\'s rolls, the newest first'
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and not __fish_seen_subcommand_from status watch abort resolve history explain" -a "explain" -d 'Tell a roll as sentences: each step, when, and why'
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from status" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from status" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from status" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from status" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from status" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from status" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from status" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from watch" -l roll -d 'Which roll; without it, the one under way, or the last one' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from watch" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from watch" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from watch" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from watch" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from watch" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from watch" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from watch" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from watch" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from abort" -l reason -d 'Why, for the others and for the audit trail' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from abort" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from abort" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from abort" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from abort" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from abort" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from abort" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from abort" -l dry-run -d 'Check everything and say what would be done; change nothing'
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from abort" -s y -l yes -d 'Do not ask; needed where there is no terminal to ask on'
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from abort" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from abort" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from resolve" -l dc -d 'With waive-dc: which domain controller' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from resolve" -l reason -d 'Why, for the others and for the audit trail' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from resolve" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from resolve" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from resolve" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from resolve" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from resolve" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from resolve" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from resolve" -l dry-run -d 'Check everything and say what would be done; change nothing'
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from resolve" -s y -l yes -d 'Do not ask; needed where there is no terminal to ask on'
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from resolve" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from resolve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from history" -l limit -d 'How many' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from history" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from history" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from history" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from history" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from history" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from history" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from history" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from history" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from explain" -l roll -d 'Which roll; without it, the last one' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from explain" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from explain" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from explain" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from explain" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from explain" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from explain" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from explain" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand roll; and __fish_seen_subcommand_from explain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and not __fish_seen_subcommand_from set show next pause resume" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and not __fish_seen_subcommand_from set show next pause resume" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and not __fish_seen_subcommand_from set show next pause resume" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and not __fish_seen_subcommand_from set show next pause resume" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and not __fish_seen_subcommand_from set show next pause resume" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and not __fish_seen_subcommand_from set show next pause resume" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and not __fish_seen_subcommand_from set show next pause resume" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and not __fish_seen_subcommand_from set show next pause resume" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and not __fish_seen_subcommand_from set show next pause resume" -f -a "set" -d 'Set when an array rolls by itself'
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and not __fish_seen_subcommand_from set show next pause resume" -f -a "show" -d 'Show an array\'s schedule'
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and not __fish_seen_subcommand_from set show next pause resume" -f -a "next" -d 'Show when an array rolls next, or all of them'
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and not __fish_seen_subcommand_from set show next pause resume" -f -a "pause" -d 'Stop rolling by itself until resumed'
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and not __fish_seen_subcommand_from set show next pause resume" -f -a "resume" -d 'Roll by itself again'
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from set" -l every -d 'Roll when the key is this old, such as 30d' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from set" -l cron -d 'Roll at these times: minute, hour, day, month, weekday' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from set" -l window -d 'Start rolls only within this window, such as \'sat,sun 01:00-05:00\'; may be repeated' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from set" -l time-zone -d 'The time zone of cron, windows and freezes, such as Europe/Berlin; without it, UTC' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from set" -l jitter -d 'Start up to this much later, so that many arrays do not roll at once' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from set" -l freeze -d 'Do not roll on these days, such as 2026-12-20..2027-01-03; may be repeated' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from set" -l max-age -d 'Raise an alarm when the key gets older than this' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from set" -l missed -d 'What to do about a roll that was due while the controller was away' -r -f -a "run\t'Roll as soon as the window allows'
skip\t'Wait for the next time'"
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from set" -l file -d 'Take the schedule from a file, as `schedule show --output toml` prints it' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from set" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from set" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from set" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from set" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from set" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from set" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from set" -l dry-run -d 'Check everything and say what would be done; change nothing'
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from set" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from set" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from show" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from show" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from show" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from show" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from show" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from show" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from next" -l count -d 'How many times to show' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from next" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from next" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from next" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from next" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from next" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from next" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from next" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from next" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from pause" -l reason -d 'Why, for the others and for the audit trail' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from pause" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from pause" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from pause" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from pause" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from pause" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from pause" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from pause" -l dry-run -d 'Check everything and say what would be done; change nothing'
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from pause" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from pause" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from resume" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from resume" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from resume" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from resume" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from resume" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from resume" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from resume" -l dry-run -d 'Check everything and say what would be done; change nothing'
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from resume" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand schedule; and __fish_seen_subcommand_from resume" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand verify" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand verify" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand verify" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand verify" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand verify" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand verify" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand verify" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand doctor" -l node -d 'Look at this node alone' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand doctor" -l url -d 'The page to log in at; without it the root under the array\'s first HTTP name, if it is there' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand doctor" -l node-port -d 'The port that nodes listen at, where the balancer before them listens at another' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand doctor" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand doctor" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand doctor" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand doctor" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand doctor" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand doctor" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand doctor" -l from-client -d 'Look from this machine too, as a client of the array, with your ticket from `kinit`'
complete -c keyroll -n "__fish_keyroll_using_subcommand doctor" -l watch -d 'Look again every ten seconds, and print what is different, until Ctrl-C'
complete -c keyroll -n "__fish_keyroll_using_subcommand doctor" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and not __fish_seen_subcommand_from show test plan apply undo" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and not __fish_seen_subcommand_from show test plan apply undo" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and not __fish_seen_subcommand_from show test plan apply undo" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and not __fish_seen_subcommand_from show test plan apply undo" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and not __fish_seen_subcommand_from show test plan apply undo" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and not __fish_seen_subcommand_from show test plan apply undo" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and not __fish_seen_subcommand_from show test plan apply undo" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and not __fish_seen_subcommand_from show test plan apply undo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and not __fish_seen_subcommand_from show test plan apply undo" -f -a "show" -d 'Who may act for whom by way of the array\'s account, and what that risks'
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and not __fish_seen_subcommand_from show test plan apply undo" -f -a "test" -d 'Try delegation with the array\'s own key, step by step'
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and not __fish_seen_subcommand_from show test plan apply undo" -f -a "plan" -d 'The changes that would bring what is wanted by the safest way that fits; changes nothing'
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and not __fish_seen_subcommand_from show test plan apply undo" -f -a "apply" -d 'Change who may act for whom, with your own rights'
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and not __fish_seen_subcommand_from show test plan apply undo" -f -a "undo" -d 'Take back the newest change of an array\'s delegation, or another one'
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from show" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from show" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from show" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from show" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from show" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from show" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from test" -l to -d 'The service to delegate to' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from test" -l user -d 'For whom: the account asks for a ticket in this user\'s name (S4U2Self), which is evidence only with protocol transition. By default the controller\'s own account, with a ticket that it fetches as any client does' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from test" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from test" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from test" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from test" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from test" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from test" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from test" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from test" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from plan" -l to -d 'Let it act for its users at this service; may be repeated' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from plan" -l not-to -d 'Let it not act at this service any more; may be repeated' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from plan" -l from -d 'Let this account act for its users at the array: a sAMAccountName or a SID; may be repeated' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from plan" -l not-from -d 'Let this account not act at the array any more; may be repeated' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from plan" -l way -d 'The way, by default the safest that fits' -r -f -a "resource-based\t''
constrained\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from plan" -l protocol-transition -d 'Whether it may name users who have not logged in to it by Kerberos' -r -f -a "on\t''
off\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from plan" -l sensitive -d 'Whether nobody may act for the account itself' -r -f -a "on\t''
off\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from plan" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from plan" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from plan" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from plan" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from plan" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from plan" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from plan" -l no-unconstrained -d 'Take away that it is trusted for delegation to any service'
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from plan" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from plan" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from apply" -l to -d 'Let it act for its users at this service; may be repeated' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from apply" -l not-to -d 'Let it not act at this service any more; may be repeated' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from apply" -l from -d 'Let this account act for its users at the array: a sAMAccountName or a SID; may be repeated' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from apply" -l not-from -d 'Let this account not act at the array any more; may be repeated' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from apply" -l way -d 'The way, by default the safest that fits' -r -f -a "resource-based\t''
constrained\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from apply" -l protocol-transition -d 'Whether it may name users who have not logged in to it by Kerberos' -r -f -a "on\t''
off\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from apply" -l sensitive -d 'Whether nobody may act for the account itself' -r -f -a "on\t''
off\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from apply" -l bind-as -d 'Make the change as this account, not with the ticket from `kinit`; its password is asked for' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from apply" -l bind-password-file -d 'Its password, from the first line of this file; `-`: standard input' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from apply" -l bind-keytab -d 'Its keys, from this keytab' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from apply" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from apply" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from apply" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from apply" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from apply" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from apply" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from apply" -l no-unconstrained -d 'Take away that it is trusted for delegation to any service'
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from apply" -l with-controller-rights -d 'Have the controller make the change with its own rights, if its settings let it'
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from apply" -l dry-run -d 'Check everything and say what would be done; change nothing'
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from apply" -s y -l yes -d 'Do not ask; needed where there is no terminal to ask on'
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from apply" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from apply" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from undo" -l change -d 'The change, by default the newest that was applied and not taken back' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from undo" -l bind-as -d 'Make the change as this account, not with the ticket from `kinit`; its password is asked for' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from undo" -l bind-password-file -d 'Its password, from the first line of this file; `-`: standard input' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from undo" -l bind-keytab -d 'Its keys, from this keytab' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from undo" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from undo" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from undo" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from undo" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from undo" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from undo" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from undo" -l with-controller-rights -d 'Have the controller make the change with its own rights, if its settings let it'
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from undo" -l dry-run -d 'Check everything and say what would be done; change nothing'
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from undo" -s y -l yes -d 'Do not ask; needed where there is no terminal to ask on'
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from undo" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand delegation; and __fish_seen_subcommand_from undo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand explain" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand explain" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand explain" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand explain" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand explain" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand explain" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand explain" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand explain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand status" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand status" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand status" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand status" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand status" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand status" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand status" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand audit; and not __fish_seen_subcommand_from show verify acknowledge" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand audit; and not __fish_seen_subcommand_from show verify acknowledge" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand audit; and not __fish_seen_subcommand_from show verify acknowledge" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand audit; and not __fish_seen_subcommand_from show verify acknowledge" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand audit; and not __fish_seen_subcommand_from show verify acknowledge" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand audit; and not __fish_seen_subcommand_from show verify acknowledge" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand audit; and not __fish_seen_subcommand_from show verify acknowledge" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand audit; and not __fish_seen_subcommand_from show verify acknowledge" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand audit; and not __fish_seen_subcommand_from show verify acknowledge" -f -a "show" -d 'Show the newest entries: who did what, when, and how it ended'
complete -c keyroll -n "__fish_keyroll_using_subcommand audit; and not __fish_seen_subcommand_from show verify acknowledge" -f -a "verify" -d 'Check the chain of hashes and its signatures: that no entry was changed or taken out'
complete -c keyroll -n "__fish_keyroll_using_subcommand audit; and not __fish_seen_subcommand_from show verify acknowledge" -f -a "acknowledge" -d 'End the alarm that a sink has heard of entries which the controller does not have'
complete -c keyroll -n "__fish_keyroll_using_subcommand audit; and __fish_seen_subcommand_from show" -l limit -d 'How many entries' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand audit; and __fish_seen_subcommand_from show" -l array -d 'Only those of this array' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand audit; and __fish_seen_subcommand_from show" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand audit; and __fish_seen_subcommand_from show" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand audit; and __fish_seen_subcommand_from show" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand audit; and __fish_seen_subcommand_from show" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand audit; and __fish_seen_subcommand_from show" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand audit; and __fish_seen_subcommand_from show" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand audit; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand audit; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand audit; and __fish_seen_subcommand_from verify" -l copy -d 'A copy that a sink has kept, in place of the controller\'s own; asks no controller' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand audit; and __fish_seen_subcommand_from verify" -l key -d 'The key that has signed the copy, as `keyroll audit verify` shows it' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand audit; and __fish_seen_subcommand_from verify" -l head -d 'A head that was noted elsewhere: an entry of the copy must have this hash' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand audit; and __fish_seen_subcommand_from verify" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand audit; and __fish_seen_subcommand_from verify" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand audit; and __fish_seen_subcommand_from verify" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand audit; and __fish_seen_subcommand_from verify" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand audit; and __fish_seen_subcommand_from verify" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand audit; and __fish_seen_subcommand_from verify" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand audit; and __fish_seen_subcommand_from verify" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand audit; and __fish_seen_subcommand_from verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand audit; and __fish_seen_subcommand_from acknowledge" -l reason -d 'What was found out; it is written into the audit' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand audit; and __fish_seen_subcommand_from acknowledge" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand audit; and __fish_seen_subcommand_from acknowledge" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand audit; and __fish_seen_subcommand_from acknowledge" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand audit; and __fish_seen_subcommand_from acknowledge" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand audit; and __fish_seen_subcommand_from acknowledge" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand audit; and __fish_seen_subcommand_from acknowledge" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand audit; and __fish_seen_subcommand_from acknowledge" -l dry-run -d 'Check everything and say what would be done; change nothing'
complete -c keyroll -n "__fish_keyroll_using_subcommand audit; and __fish_seen_subcommand_from acknowledge" -s y -l yes -d 'Do not ask; needed where there is no terminal to ask on'
complete -c keyroll -n "__fish_keyroll_using_subcommand audit; and __fish_seen_subcommand_from acknowledge" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand audit; and __fish_seen_subcommand_from acknowledge" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and not __fish_seen_subcommand_from list plan add remove move check duplicates" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and not __fish_seen_subcommand_from list plan add remove move check duplicates" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and not __fish_seen_subcommand_from list plan add remove move check duplicates" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and not __fish_seen_subcommand_from list plan add remove move check duplicates" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and not __fish_seen_subcommand_from list plan add remove move check duplicates" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and not __fish_seen_subcommand_from list plan add remove move check duplicates" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and not __fish_seen_subcommand_from list plan add remove move check duplicates" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and not __fish_seen_subcommand_from list plan add remove move check duplicates" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and not __fish_seen_subcommand_from list plan add remove move check duplicates" -f -a "list" -d 'List an array\'s SPNs, and how far each has come'
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and not __fish_seen_subcommand_from list plan add remove move check duplicates" -f -a "plan" -d 'The SPNs that clients\' names for an array need, who has each, and the commands that register what is missing; changes nothing'
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and not __fish_seen_subcommand_from list plan add remove move check duplicates" -f -a "add" -d 'Register SPNs, once every node holds keys for them'
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and not __fish_seen_subcommand_from list plan add remove move check duplicates" -f -a "remove" -d 'Remove SPNs; the keytabs keep their keys until no ticket for them can be alive'
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and not __fish_seen_subcommand_from list plan add remove move check duplicates" -f -a "move" -d 'Move SPNs to an array from whichever account has them'
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and not __fish_seen_subcommand_from list plan add remove move check duplicates" -f -a "check" -d 'Compare SPNs, keytabs, DNS and nodes; exit code as `verify`'
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and not __fish_seen_subcommand_from list plan add remove move check duplicates" -f -a "duplicates" -d 'Find names with two owners in the whole forest, also in other case, hidden or look-alike'
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from list" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from list" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from list" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from list" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from list" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from list" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from plan" -l name -d 'A host name that clients use; may be repeated. Wanted is this or --nodes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from plan" -l class -d 'A service class, HTTP by default; HTTP is for https, too; may be repeated' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from plan" -l port -d 'A port that some clients add to the name; may be repeated' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from plan" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from plan" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from plan" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from plan" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from plan" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from plan" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from plan" -l short -d 'The first label of each name, too'
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from plan" -l nodes -d 'The nodes\' own names, too'
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from plan" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from plan" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from add" -l bind-as -d 'Make the change as this account, not with the ticket from `kinit`; its password is asked for' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from add" -l bind-password-file -d 'Its password, from the first line of this file; `-`: standard input' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from add" -l bind-keytab -d 'Its keys, from this keytab' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from add" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from add" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from add" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from add" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from add" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from add" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from add" -l with-controller-rights -d 'Have the controller make the change with its own rights, if its settings let it'
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from add" -l dry-run -d 'Check everything and say what would be done; change nothing'
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from add" -s y -l yes -d 'Do not ask; needed where there is no terminal to ask on'
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from add" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from remove" -l bind-as -d 'Make the change as this account, not with the ticket from `kinit`; its password is asked for' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from remove" -l bind-password-file -d 'Its password, from the first line of this file; `-`: standard input' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from remove" -l bind-keytab -d 'Its keys, from this keytab' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from remove" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from remove" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from remove" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from remove" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from remove" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from remove" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from remove" -l with-controller-rights -d 'Have the controller make the change with its own rights, if its settings let it'
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from remove" -l dry-run -d 'Check everything and say what would be done; change nothing'
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from remove" -s y -l yes -d 'Do not ask; needed where there is no terminal to ask on'
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from remove" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from move" -l bind-as -d 'Make the change as this account, not with the ticket from `kinit`; its password is asked for' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from move" -l bind-password-file -d 'Its password, from the first line of this file; `-`: standard input' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from move" -l bind-keytab -d 'Its keys, from this keytab' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from move" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from move" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from move" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from move" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from move" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from move" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from move" -l with-controller-rights -d 'Have the controller make the change with its own rights, if its settings let it'
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from move" -l dry-run -d 'Check everything and say what would be done; change nothing'
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from move" -s y -l yes -d 'Do not ask; needed where there is no terminal to ask on'
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from move" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from move" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from check" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from check" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from check" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from check" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from check" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from check" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from check" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from duplicates" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from duplicates" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from duplicates" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from duplicates" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from duplicates" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from duplicates" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from duplicates" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand spn; and __fish_seen_subcommand_from duplicates" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and not __fish_seen_subcommand_from list show settle undo" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and not __fish_seen_subcommand_from list show settle undo" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and not __fish_seen_subcommand_from list show settle undo" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and not __fish_seen_subcommand_from list show settle undo" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and not __fish_seen_subcommand_from list show settle undo" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and not __fish_seen_subcommand_from list show settle undo" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and not __fish_seen_subcommand_from list show settle undo" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and not __fish_seen_subcommand_from list show settle undo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and not __fish_seen_subcommand_from list show settle undo" -f -a "list" -d 'List the changes, the newest first'
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and not __fish_seen_subcommand_from list show settle undo" -f -a "show" -d 'Show one change: who, what, as LDIF too, and what became of it'
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and not __fish_seen_subcommand_from list show settle undo" -f -a "settle" -d 'Look what became of a change that nobody reported'
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and not __fish_seen_subcommand_from list show settle undo" -f -a "undo" -d 'Take a change back: what was added goes, what was deleted comes'
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and __fish_seen_subcommand_from list" -l array -d 'Those of this array alone' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and __fish_seen_subcommand_from list" -l limit -d 'How many' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and __fish_seen_subcommand_from list" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and __fish_seen_subcommand_from list" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and __fish_seen_subcommand_from list" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and __fish_seen_subcommand_from list" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and __fish_seen_subcommand_from list" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and __fish_seen_subcommand_from list" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and __fish_seen_subcommand_from show" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and __fish_seen_subcommand_from show" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and __fish_seen_subcommand_from show" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and __fish_seen_subcommand_from show" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and __fish_seen_subcommand_from show" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and __fish_seen_subcommand_from show" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and __fish_seen_subcommand_from settle" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and __fish_seen_subcommand_from settle" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and __fish_seen_subcommand_from settle" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and __fish_seen_subcommand_from settle" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and __fish_seen_subcommand_from settle" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and __fish_seen_subcommand_from settle" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and __fish_seen_subcommand_from settle" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and __fish_seen_subcommand_from settle" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and __fish_seen_subcommand_from undo" -l bind-as -d 'Make the change as this account, not with the ticket from `kinit`; its password is asked for' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and __fish_seen_subcommand_from undo" -l bind-password-file -d 'Its password, from the first line of this file; `-`: standard input' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and __fish_seen_subcommand_from undo" -l bind-keytab -d 'Its keys, from this keytab' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and __fish_seen_subcommand_from undo" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and __fish_seen_subcommand_from undo" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and __fish_seen_subcommand_from undo" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and __fish_seen_subcommand_from undo" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and __fish_seen_subcommand_from undo" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and __fish_seen_subcommand_from undo" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and __fish_seen_subcommand_from undo" -l with-controller-rights -d 'Have the controller make the change with its own rights, if its settings let it'
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and __fish_seen_subcommand_from undo" -l dry-run -d 'Check everything and say what would be done; change nothing'
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and __fish_seen_subcommand_from undo" -s y -l yes -d 'Do not ask; needed where there is no terminal to ask on'
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and __fish_seen_subcommand_from undo" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand change; and __fish_seen_subcommand_from undo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand approval; and not __fish_seen_subcommand_from list give" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand approval; and not __fish_seen_subcommand_from list give" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand approval; and not __fish_seen_subcommand_from list give" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand approval; and not __fish_seen_subcommand_from list give" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand approval; and not __fish_seen_subcommand_from list give" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand approval; and not __fish_seen_subcommand_from list give" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand approval; and not __fish_seen_subcommand_from list give" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand approval; and not __fish_seen_subcommand_from list give" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand approval; and not __fish_seen_subcommand_from list give" -f -a "list" -d 'List what waits for a second person, and what became of it, the newest first'
complete -c keyroll -n "__fish_keyroll_using_subcommand approval; and not __fish_seen_subcommand_from list give" -f -a "give" -d 'Agree to what somebody else has asked for, or refuse it'
complete -c keyroll -n "__fish_keyroll_using_subcommand approval; and __fish_seen_subcommand_from list" -l array -d 'Those of this array alone' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand approval; and __fish_seen_subcommand_from list" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand approval; and __fish_seen_subcommand_from list" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand approval; and __fish_seen_subcommand_from list" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand approval; and __fish_seen_subcommand_from list" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand approval; and __fish_seen_subcommand_from list" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand approval; and __fish_seen_subcommand_from list" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand approval; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand approval; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand approval; and __fish_seen_subcommand_from give" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand approval; and __fish_seen_subcommand_from give" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand approval; and __fish_seen_subcommand_from give" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand approval; and __fish_seen_subcommand_from give" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand approval; and __fish_seen_subcommand_from give" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand approval; and __fish_seen_subcommand_from give" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand approval; and __fish_seen_subcommand_from give" -l refuse -d 'Say no'
complete -c keyroll -n "__fish_keyroll_using_subcommand approval; and __fish_seen_subcommand_from give" -l dry-run -d 'Check everything and say what would be done; change nothing'
complete -c keyroll -n "__fish_keyroll_using_subcommand approval; and __fish_seen_subcommand_from give" -s y -l yes -d 'Do not ask; needed where there is no terminal to ask on'
complete -c keyroll -n "__fish_keyroll_using_subcommand approval; and __fish_seen_subcommand_from give" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand approval; and __fish_seen_subcommand_from give" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and not __fish_seen_subcommand_from prepare activate retire" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and not __fish_seen_subcommand_from prepare activate retire" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and not __fish_seen_subcommand_from prepare activate retire" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and not __fish_seen_subcommand_from prepare activate retire" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and not __fish_seen_subcommand_from prepare activate retire" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and not __fish_seen_subcommand_from prepare activate retire" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and not __fish_seen_subcommand_from prepare activate retire" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and not __fish_seen_subcommand_from prepare activate retire" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and not __fish_seen_subcommand_from prepare activate retire" -f -a "prepare" -d 'Make a new authority, which everybody is told to trust and which signs nothing yet'
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and not __fish_seen_subcommand_from prepare activate retire" -f -a "activate" -d 'Let the new authority sign, once every node trusts it'
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and not __fish_seen_subcommand_from prepare activate retire" -f -a "retire" -d 'End all trust in the old authority, once nobody lives by it any more'
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and __fish_seen_subcommand_from prepare" -l ca-file -d 'Where to write the certificates of all authorities that are trusted then: operators\' ca.crt' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and __fish_seen_subcommand_from prepare" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and __fish_seen_subcommand_from prepare" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and __fish_seen_subcommand_from prepare" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and __fish_seen_subcommand_from prepare" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and __fish_seen_subcommand_from prepare" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and __fish_seen_subcommand_from prepare" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and __fish_seen_subcommand_from prepare" -l dry-run -d 'Check everything and say what would be done; change nothing'
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and __fish_seen_subcommand_from prepare" -s y -l yes -d 'Do not ask; needed where there is no terminal to ask on'
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and __fish_seen_subcommand_from prepare" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and __fish_seen_subcommand_from prepare" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and __fish_seen_subcommand_from activate" -l ca-file -d 'Where to write the certificates of all authorities that are trusted then: operators\' ca.crt' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and __fish_seen_subcommand_from activate" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and __fish_seen_subcommand_from activate" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and __fish_seen_subcommand_from activate" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and __fish_seen_subcommand_from activate" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and __fish_seen_subcommand_from activate" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and __fish_seen_subcommand_from activate" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and __fish_seen_subcommand_from activate" -l dry-run -d 'Check everything and say what would be done; change nothing'
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and __fish_seen_subcommand_from activate" -s y -l yes -d 'Do not ask; needed where there is no terminal to ask on'
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and __fish_seen_subcommand_from activate" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and __fish_seen_subcommand_from activate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and __fish_seen_subcommand_from retire" -l ca-file -d 'Where to write the certificates of all authorities that are trusted then: operators\' ca.crt' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and __fish_seen_subcommand_from retire" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and __fish_seen_subcommand_from retire" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and __fish_seen_subcommand_from retire" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and __fish_seen_subcommand_from retire" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and __fish_seen_subcommand_from retire" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and __fish_seen_subcommand_from retire" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and __fish_seen_subcommand_from retire" -l dry-run -d 'Check everything and say what would be done; change nothing'
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and __fish_seen_subcommand_from retire" -s y -l yes -d 'Do not ask; needed where there is no terminal to ask on'
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and __fish_seen_subcommand_from retire" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand authority; and __fish_seen_subcommand_from retire" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and not __fish_seen_subcommand_from add list revoke" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and not __fish_seen_subcommand_from add list revoke" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and not __fish_seen_subcommand_from add list revoke" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and not __fish_seen_subcommand_from add list revoke" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and not __fish_seen_subcommand_from add list revoke" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and not __fish_seen_subcommand_from add list revoke" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and not __fish_seen_subcommand_from add list revoke" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and not __fish_seen_subcommand_from add list revoke" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and not __fish_seen_subcommand_from add list revoke" -f -a "add" -d 'Give an operator a certificate and a role'
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and not __fish_seen_subcommand_from add list revoke" -f -a "list" -d 'List the operators'
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and not __fish_seen_subcommand_from add list revoke" -f -a "revoke" -d 'Refuse an operator\'s certificate from now on, on open connections too'
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and __fish_seen_subcommand_from add" -l role -d 'What the operator may do' -r -f -a "viewer\t'Reads'
operator\t'Rolls, verifies, quarantines'
admin\t'Changes arrays, nodes, schedules and operators'"
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and __fish_seen_subcommand_from add" -l array -d 'Only for this array; may be repeated; without it, all' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and __fish_seen_subcommand_from add" -l lifetime -d 'How long the certificate is valid: 90 days without it, 400 at the most' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and __fish_seen_subcommand_from add" -l directory -d 'Where to write NAME.key, NAME.crt and ca.crt; the key is never replaced' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and __fish_seen_subcommand_from add" -l csr -d 'The operator\'s signing request (PEM or DER); then no key is made' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and __fish_seen_subcommand_from add" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and __fish_seen_subcommand_from add" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and __fish_seen_subcommand_from add" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and __fish_seen_subcommand_from add" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and __fish_seen_subcommand_from add" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and __fish_seen_subcommand_from add" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and __fish_seen_subcommand_from add" -l replace -d 'The operator exists: a new certificate, which ends the one before'
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and __fish_seen_subcommand_from add" -l dry-run -d 'Check everything and say what would be done; change nothing'
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and __fish_seen_subcommand_from add" -s y -l yes -d 'Do not ask; needed where there is no terminal to ask on'
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and __fish_seen_subcommand_from add" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and __fish_seen_subcommand_from list" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and __fish_seen_subcommand_from list" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and __fish_seen_subcommand_from list" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and __fish_seen_subcommand_from list" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and __fish_seen_subcommand_from list" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and __fish_seen_subcommand_from list" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and __fish_seen_subcommand_from revoke" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and __fish_seen_subcommand_from revoke" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and __fish_seen_subcommand_from revoke" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and __fish_seen_subcommand_from revoke" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and __fish_seen_subcommand_from revoke" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and __fish_seen_subcommand_from revoke" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and __fish_seen_subcommand_from revoke" -l dry-run -d 'Check everything and say what would be done; change nothing'
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and __fish_seen_subcommand_from revoke" -s y -l yes -d 'Do not ask; needed where there is no terminal to ask on'
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and __fish_seen_subcommand_from revoke" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand operator; and __fish_seen_subcommand_from revoke" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand backup" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand backup" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand backup" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand backup" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand backup" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand backup" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand backup" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand backup" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand recover" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand recover" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand recover" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand recover" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand recover" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand recover" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand recover" -l all -d 'Every array that needs it'
complete -c keyroll -n "__fish_keyroll_using_subcommand recover" -l dry-run -d 'Check everything and say what would be done; change nothing'
complete -c keyroll -n "__fish_keyroll_using_subcommand recover" -s y -l yes -d 'Do not ask; needed where there is no terminal to ask on'
complete -c keyroll -n "__fish_keyroll_using_subcommand recover" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand recover" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand completions" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand completions" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand completions" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand completions" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand completions" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand completions" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand completions" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c keyroll -n "__fish_keyroll_using_subcommand man" -l controller -d 'Ask this controller, with the operator\'s certificate from the settings file' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand man" -l socket -d 'Ask through this Unix socket on the controller\'s own machine' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand man" -l config -d 'The settings file: TOML with controller, socket, server-name, certificate, key, ca' -r -F
complete -c keyroll -n "__fish_keyroll_using_subcommand man" -s o -l output -d 'The form of replies on standard output, and of errors on standard error' -r -f -a "table\t'For people'
json\t'For programs: the controller\'s reply as it is'
toml\t'A schedule as a file (`schedule show` only)'"
complete -c keyroll -n "__fish_keyroll_using_subcommand man" -l color -d 'Whether to colour the words that matter; no colour is needed to understand' -r -f -a "auto\t''
always\t''
never\t''"
complete -c keyroll -n "__fish_keyroll_using_subcommand man" -l timeout -d 'How long to wait for an answer; `roll --wait` and `roll watch` wait as long as a roll takes' -r
complete -c keyroll -n "__fish_keyroll_using_subcommand man" -s v -l verbose -d 'Say on standard error what is being done'
complete -c keyroll -n "__fish_keyroll_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
