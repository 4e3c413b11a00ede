# Rollovers of an array's password.

# A rollover that did not end well as an error beside it; each reason with what to do about it.
function Write-RolloverTrouble {
    param([System.Management.Automation.PSCmdlet] $Caller, [object] $Roll)
    $bad = $Roll.state -eq 'halted' -or ($Roll.ended -and $Roll.state -ne 'done')
    if (-not $bad -and $Roll.refusals.Count -eq 0) { return }
    $record = @{
        Message = "the rollover of array $($Roll.array) is $($Roll.state): $($Roll.reason)"
        Next = "Get-KeyrollRolloverStory -Array $($Roll.array)"
        Code = "rollover-$($Roll.state)"
        ExitCode = 1
        Target = $Roll
    }
    foreach ($refusal in $Roll.refusals) {
        $record.Message += [System.Environment]::NewLine
        $record.Message += "$($refusal.object): $($refusal.why); next: $($refusal.next)"
    }
    if ($Roll.state -eq 'halted') { $record.ExitCode = 76 }
    $Caller.WriteError((Get-KeyrollErrorRecord @record))
}

function Invoke-KeyrollRollover {
    <#
    .SYNOPSIS
    Rolls the password of an array's account, without one failed login.
    .DESCRIPTION
    Every node gets the new keys before the directory has the new password, and the old key goes
    once the last ticket under it is dead. A rollover goes on by itself: -Wait only looks.

    With -WhatIf everything is checked and nothing is changed: the answer says what would be done,
    and all that stands in the way at once.
    .PARAMETER Array
    The arrays, side by side.
    .PARAMETER All
    Every array.
    .PARAMETER Emergency
    A key has leaked: roll at once, wait for no slow node, and take the old key away early.
    .PARAMETER Kill
    With -Emergency: when the old key goes. converged: when every domain controller issues the new
    one. now: right after the change. drain: when the last ticket is dead, as in an ordinary one.
    .PARAMETER AcceptDelegationGap
    Roll though the account delegates and may be unable to for a while.
    .PARAMETER Reason
    Why, for the others and for the audit.
    .PARAMETER Wait
    Wait until it ends or is halted. Ctrl-C ends the looking, not the rollover.
    .EXAMPLE
    Invoke-KeyrollRollover -Array mail -WhatIf
    .EXAMPLE
    Invoke-KeyrollRollover -Array mail -Wait -Reason 'quarterly' -Confirm:$false
    .EXAMPLE
    Invoke-KeyrollRollover -Array mail -Emergency -Kill now -Reason 'ex3 was stolen'
    #>
    [CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High',
        DefaultParameterSetName = 'Array')]
    param(
        [Parameter(ParameterSetName = 'Array', Mandatory, Position = 0,
            ValueFromPipelineByPropertyName)]
        [string[]] $Array,
        [Parameter(Mandatory, ParameterSetName = 'All')]
        [switch] $All,
        [switch] $Emergency,
        [ValidateSet('converged', 'now', 'drain')]
        [string] $Kill,
        [switch] $AcceptDelegationGap,
        [string] $Reason = '',
        [switch] $Wait
    )
    process {
        $as = @{ Caller = $PSCmdlet; As = 'Keyroll.Roll' }
        $given = @{
            '--emergency' = [bool]$Emergency
            '--kill' = $Kill
            '--accept-delegation-gap' = [bool]$AcceptDelegationGap
            '--reason' = $Reason
        }
        if ($All) {
            $given['--all'] = $true
            $what = 'every array'
        } else {
            # An array may be named like a verb of keyroll.
            $given['--array'] = $Array
            $what = 'array ' + ($Array -join ', ')
        }
        $action = 'Change the password of the account'
        if ($Emergency) { $action = 'Emergency: change the password and refuse old tickets' }
        if ($PSCmdlet.ShouldProcess($what, $action)) {
            $given['--yes'] = $true
            $given['--wait'] = [bool]$Wait
        } elseif ($WhatIfPreference) {
            $given['--dry-run'] = $true
        } else {
            return
        }
        $options = @(Get-GivenOption -Options $given)
        $words = @('roll') + $options
        foreach ($roll in @(Invoke-KeyrollProgram @as -Field 'rolls' -Words $words)) {
            $roll
            Write-RolloverTrouble -Caller $PSCmdlet -Roll $roll
        }
    }
}

function Get-KeyrollRollover {
    <#
    .SYNOPSIS
    Shows the rollovers under way or the last ones; or all of an array.
    .PARAMETER Array
    Of this array; without it, of all.
    .PARAMETER Last
    This many of the array's, the newest first.
    .EXAMPLE
    Get-KeyrollRollover
    .EXAMPLE
    Get-KeyrollRollover -Array mail -Last 10
    #>
    [CmdletBinding(DefaultParameterSetName = 'Current')]
    param(
        [Parameter(ParameterSetName = 'Current', Position = 0, ValueFromPipelineByPropertyName)]
        [Parameter(ParameterSetName = 'Last', Mandatory, Position = 0,
            ValueFromPipelineByPropertyName)]
        [string] $Array = '',
        [Parameter(ParameterSetName = 'Last', Mandatory)]
        [ValidateRange(1, 100000)]
        [int] $Last
    )
    process {
        $as = @{ Caller = $PSCmdlet; As = 'Keyroll.Roll' }
        if ($PSCmdlet.ParameterSetName -eq 'Last') {
            $words = 'roll', 'history', $Array, "--limit=$Last"
            Invoke-KeyrollProgram @as -Field 'rolls' -Words $words
        } elseif ($Array -ne '') {
            Invoke-KeyrollProgram @as -Field 'rolls' -Words 'roll', 'status', $Array
        } else {
            Invoke-KeyrollProgram @as -Field 'rolls' -Words 'roll', 'status'
        }
    }
}

function Get-KeyrollRolloverStory {
    <#
    .SYNOPSIS
    Tells a rollover as sentences: each step, when, and why.
    .PARAMETER Array
    The array.
    .PARAMETER Roll
    Its number; without it, the newest.
    .EXAMPLE
    Get-KeyrollRolloverStory -Array mail | Format-Table state, text -Wrap
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory, Position = 0, ValueFromPipelineByPropertyName)]
        [string] $Array,
        [Parameter(ValueFromPipelineByPropertyName)]
        [string] $Roll = ''
    )
    process {
        $given = @(Get-GivenOption -Options @{ '--roll' = $Roll })
        $words = @('roll', 'explain', $Array) + $given
        Invoke-KeyrollProgram -Caller $PSCmdlet -Field 'sentences' -Words $words
    }
}

function Stop-KeyrollRollover {
    <#
    .SYNOPSIS
    Takes a rollover back; possible until the directory has been asked to change.
    .PARAMETER Array
    The array.
    .PARAMETER Reason
    Why, for the others and for the audit.
    .EXAMPLE
    Stop-KeyrollRollover -Array mail -Reason 'wrong day'
    #>
    [CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]
    param(
        [Parameter(Mandatory, Position = 0, ValueFromPipelineByPropertyName)]
        [string] $Array,
        [string] $Reason = ''
    )
    process {
        $given = @(Get-GivenOption -Options @{ '--reason' = $Reason })
        if ($PSCmdlet.ShouldProcess("array $Array", 'Take the rollover back')) {
            $given += '--yes'
        } elseif ($WhatIfPreference) {
            $given += '--dry-run'
        } else {
            return
        }
        Invoke-KeyrollProgram -Caller $PSCmdlet -Words (@('roll', 'abort', $Array) + $given)
    }
}

function Resolve-KeyrollRollover {
    <#
    .SYNOPSIS
    Decides what a halted rollover cannot decide by itself.
    .PARAMETER Array
    The array.
    .PARAMETER Choice
    continue, waive-dc or give-up; the halted rollover names in its reason what helps.
    .PARAMETER DomainController
    Which, where the choice is about one.
    .PARAMETER Reason
    Why, for the others and for the audit.
    .EXAMPLE
    Resolve-KeyrollRollover -Array mail -Choice waive-dc -DomainController dc2.corp.example
    #>
    [CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]
    param(
        [Parameter(Mandatory, Position = 0, ValueFromPipelineByPropertyName)]
        [string] $Array,
        [Parameter(Mandatory, Position = 1)]
        [string] $Choice,
        [string] $DomainController = '',
        [string] $Reason = ''
    )
    process {
        $given = @(Get-GivenOption -Options @{ '--dc' = $DomainController; '--reason' = $Reason })
        if ($PSCmdlet.ShouldProcess("array $Array", "Resolve the rollover: $Choice")) {
            $given += '--yes'
        } elseif ($WhatIfPreference) {
            $given += '--dry-run'
        } else {
            return
        }
        $words = @('roll', 'resolve', $Array, $Choice) + $given
        Invoke-KeyrollProgram -Caller $PSCmdlet -Words $words
    }
}
