# When an array rolls by itself.

function Get-KeyrollSchedule {
    <#
    .SYNOPSIS
    Shows when arrays roll by themselves, and the coming times as seconds since 1970.
    .PARAMETER Array
    The array; without it, all.
    .PARAMETER Count
    How many of the array's coming times.
    .EXAMPLE
    Get-KeyrollSchedule -Array mail -Count 12
    #>
    [CmdletBinding()]
    param(
        [Parameter(Position = 0, ValueFromPipelineByPropertyName)]
        [string] $Array = '',
        [ValidateRange(1, 1000)]
        [int] $Count = 5
    )
    process {
        if ($Array -ne '') {
            $words = 'schedule', 'next', $Array, "--count=$Count"
            Invoke-KeyrollProgram -Caller $PSCmdlet -Words $words
        } else {
            # Asked for all, it answers with the arrays; one without a schedule has none to show.
            Invoke-KeyrollProgram -Caller $PSCmdlet -Field 'arrays' -Words 'schedule', 'next' |
                ForEach-Object { $_.schedule } | Where-Object { $null -ne $_ }
        }
    }
}

function Set-KeyrollSchedule {
    <#
    .SYNOPSIS
    Sets when an array rolls by itself.
    .DESCRIPTION
    Times are written as keyroll takes them: 45s, 15m, 10h, 30d, 2w.
    .PARAMETER Array
    The array.
    .PARAMETER Every
    How long after the last rollover the next is due.
    .PARAMETER Cron
    At these times instead, in cron's five fields.
    .PARAMETER Window
    Only then, such as 'sat,sun 01:00-05:00'.
    .PARAMETER TimeZone
    In which the windows and times are, such as Europe/Berlin.
    .PARAMETER Jitter
    A random delay up to this.
    .PARAMETER Freeze
    Never then: FROM..TO, in dates.
    .PARAMETER MaxAge
    When an old password becomes an alarm.
    .PARAMETER Missed
    What is done about a time that was missed.
    .EXAMPLE
    Set-KeyrollSchedule -Array mail -Every 30d -Window 'sat,sun 01:00-05:00' -TimeZone Europe/Berlin
    #>
    [CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'Medium',
        DefaultParameterSetName = 'Every')]
    param(
        [Parameter(Mandatory, Position = 0, ValueFromPipelineByPropertyName)]
        [string] $Array,
        [Parameter(Mandatory, ParameterSetName = 'Every')]
        [string] $Every,
        [Parameter(Mandatory, ParameterSetName = 'Cron')]
        [string] $Cron,
        [string[]] $Window = @(),
        [string] $TimeZone = '',
        [string] $Jitter = '',
        [string[]] $Freeze = @(),
        [string] $MaxAge = '',
        [string] $Missed = ''
    )
    process {
        $given = @(Get-GivenOption -Options @{
                '--every' = $Every
                '--cron' = $Cron
                '--window' = $Window
                '--time-zone' = $TimeZone
                '--jitter' = $Jitter
                '--freeze' = $Freeze
                '--max-age' = $MaxAge
                '--missed' = $Missed
            })
        if (-not $PSCmdlet.ShouldProcess("array $Array", 'Set when it rolls by itself')) {
            if (-not $WhatIfPreference) { return }
            $given += '--dry-run'
        }
        Invoke-KeyrollProgram -Caller $PSCmdlet -Words (@('schedule', 'set', $Array) + $given)
    }
}

function Suspend-KeyrollSchedule {
    <#
    .SYNOPSIS
    Stops an array from rolling by itself until resumed.
    .PARAMETER Array
    The array.
    .PARAMETER Reason
    Why, for the others and for the audit.
    .EXAMPLE
    Suspend-KeyrollSchedule -Array mail -Reason 'year-end closing'
    #>
    [CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'Medium')]
    param(
        [Parameter(Mandatory, Position = 0, ValueFromPipelineByPropertyName)]
        [string] $Array,
        [string] $Reason = ''
    )
    process {
        $given = @(Get-GivenOption -Options @{ '--reason' = $Reason })
        if (-not $PSCmdlet.ShouldProcess("array $Array", 'Stop rolling by itself')) {
            if (-not $WhatIfPreference) { return }
            $given += '--dry-run'
        }
        Invoke-KeyrollProgram -Caller $PSCmdlet -Words (@('schedule', 'pause', $Array) + $given)
    }
}

function Resume-KeyrollSchedule {
    <#
    .SYNOPSIS
    Lets an array roll by itself again.
    .PARAMETER Array
    The array.
    .EXAMPLE
    Resume-KeyrollSchedule -Array mail
    #>
    [CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'Medium')]
    param(
        [Parameter(Mandatory, Position = 0, ValueFromPipelineByPropertyName)]
        [string] $Array
    )
    process {
        $given = @()
        if (-not $PSCmdlet.ShouldProcess("array $Array", 'Roll by itself again')) {
            if (-not $WhatIfPreference) { return }
            $given += '--dry-run'
        }
        Invoke-KeyrollProgram -Caller $PSCmdlet -Words (@('schedule', 'resume', $Array) + $given)
    }
}
