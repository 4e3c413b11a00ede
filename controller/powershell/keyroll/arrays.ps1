# Arrays: what there is, and whether it is well.

function Get-KeyrollStatus {
    <#
    .SYNOPSIS
    Shows what there is, what goes on, and what needs attention.
    .EXAMPLE
    (Get-KeyrollStatus).alarms
    #>
    [CmdletBinding()]
    param()
    Invoke-KeyrollProgram -Caller $PSCmdlet -Words 'status'
}

function Get-KeyrollArray {
    <#
    .SYNOPSIS
    Shows arrays: account, keys, nodes, policy, schedule, alarms.
    .PARAMETER Array
    Which; without it, all.
    .EXAMPLE
    Get-KeyrollArray
    .EXAMPLE
    (Get-KeyrollArray -Array mail).nodes
    #>
    [CmdletBinding()]
    param(
        [Parameter(Position = 0, ValueFromPipelineByPropertyName)]
        [string] $Array = ''
    )
    process {
        $as = @{ Caller = $PSCmdlet; As = 'Keyroll.Array' }
        if ($Array -eq '') {
            Invoke-KeyrollProgram @as -Field 'arrays' -Words 'array', 'list'
        } else {
            Invoke-KeyrollProgram @as -Words 'array', 'show', $Array
        }
    }
}

function Test-KeyrollArray {
    <#
    .SYNOPSIS
    Finds out what is wrong with an array, why, and what mends it. Changes nothing.
    .DESCRIPTION
    Every check is a finding, with a grade: ok, unknown, warning or broken. A finding is no error.
    .PARAMETER Array
    The array.
    .PARAMETER Node
    Look at this node alone.
    .PARAMETER Url
    The page to log in at; without it the root under the array's first HTTP name.
    .EXAMPLE
    Test-KeyrollArray -Array mail | Where-Object grade -ne 'ok' | Format-List
    .EXAMPLE
    Get-KeyrollArray | Test-KeyrollArray | Group-Object grade
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory, Position = 0, ValueFromPipelineByPropertyName)]
        [string] $Array,
        [string] $Node = '',
        [string] $Url = ''
    )
    process {
        $as = @{ Caller = $PSCmdlet; As = 'Keyroll.Finding' }
        $given = @(Get-GivenOption -Options @{ '--node' = $Node; '--url' = $Url })
        Invoke-KeyrollProgram @as -Field 'findings' -Words (@('doctor', $Array) + $given)
    }
}

function Test-KeyrollTicket {
    <#
    .SYNOPSIS
    Proves by tickets that an array's nodes and domain controllers hold the right keys.
    .DESCRIPTION
    Gets a fresh ticket from every domain controller and lets every node accept it with the keytab
    on its disk. Changes nothing.
    .PARAMETER Array
    The array.
    .EXAMPLE
    Test-KeyrollTicket -Array mail
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory, Position = 0, ValueFromPipelineByPropertyName)]
        [string] $Array
    )
    process {
        $as = @{ Caller = $PSCmdlet; As = 'Keyroll.Check' }
        Invoke-KeyrollProgram @as -Field 'checks' -Words 'verify', $Array
    }
}
