# The record of who did what.

function Get-KeyrollAudit {
    <#
    .SYNOPSIS
    Shows the newest entries of the audit: who did what, when, and how it ended.
    .PARAMETER Array
    Of this array alone.
    .PARAMETER Last
    How many.
    .EXAMPLE
    Get-KeyrollAudit -Last 200 | Where-Object verb -eq 'roll'
    #>
    [CmdletBinding()]
    param(
        [Parameter(Position = 0, ValueFromPipelineByPropertyName)]
        [string] $Array = '',
        [ValidateRange(1, 100000)]
        [int] $Last = 50
    )
    process {
        $as = @{ Caller = $PSCmdlet; As = 'Keyroll.AuditEntry' }
        $given = @(Get-GivenOption -Options @{ '--array' = $Array; '--limit' = $Last })
        Invoke-KeyrollProgram @as -Field 'entries' -Words (@('audit', 'show') + $given)
    }
}

function Test-KeyrollAudit {
    <#
    .SYNOPSIS
    Checks that no entry of the audit was changed or taken out.
    .EXAMPLE
    (Test-KeyrollAudit).ok
    #>
    [CmdletBinding()]
    param()
    Invoke-KeyrollProgram -Caller $PSCmdlet -Words 'audit', 'verify'
}
