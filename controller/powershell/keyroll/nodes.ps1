# Nodes: the machines of an array.

function Get-KeyrollNode {
    <#
    .SYNOPSIS
    Shows nodes with their state; one of them with its keytabs, certificate and clock.
    .PARAMETER Array
    The nodes of this array; without it, of all.
    .PARAMETER Node
    This node alone.
    .EXAMPLE
    Get-KeyrollNode | Where-Object state -ne 'in-service'
    .EXAMPLE
    (Get-KeyrollNode -Array mail -Node ex1.corp.example).targets.entries
    #>
    [CmdletBinding()]
    param(
        [Parameter(Position = 0, ValueFromPipelineByPropertyName)]
        [string] $Array = '',
        [Parameter(Position = 1)]
        [string] $Node = ''
    )
    process {
        $as = @{ Caller = $PSCmdlet; As = 'Keyroll.Node' }
        if ($Node -ne '') {
            Invoke-KeyrollProgram @as -Words 'node', 'show', $Array, $Node
        } elseif ($Array -ne '') {
            Invoke-KeyrollProgram @as -Field 'nodes' -Words 'node', 'list', $Array
        } else {
            Invoke-KeyrollProgram @as -Field 'nodes' -Words 'node', 'list'
        }
    }
}

function Add-KeyrollNode {
    <#
    .SYNOPSIS
    Invites a node to an array.
    .DESCRIPTION
    The answer's join_line is what an administrator runs on the node, once and before it expires. It
    is a secret until then: whoever runs it becomes that node.
    .PARAMETER Array
    The array.
    .PARAMETER Node
    The node's full host name.
    .PARAMETER Address
    HOST:PORT where its agent listens; without it, the node's name and the usual port.
    .PARAMETER TokenLifetime
    How long the line is good for, such as 30m.
    .EXAMPLE
    (Add-KeyrollNode -Array mail -Node ex3.corp.example).join_line
    .EXAMPLE
    Add-KeyrollNode -Array mail -Node ex3.corp.example -WhatIf
    #>
    [CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'Medium')]
    param(
        [Parameter(Mandatory, Position = 0)]
        [string] $Array,
        [Parameter(Mandatory, Position = 1, ValueFromPipelineByPropertyName)]
        [string] $Node,
        [string] $Address = '',
        [string] $TokenLifetime = ''
    )
    process {
        $options = @{ '--address' = $Address; '--token-lifetime' = $TokenLifetime }
        $given = @(Get-GivenOption -Options $options)
        if (-not $PSCmdlet.ShouldProcess("$Node in array $Array", 'Invite the node')) {
            if (-not $WhatIfPreference) { return }
            $given += '--dry-run'
        }
        Invoke-KeyrollProgram -Caller $PSCmdlet -Words (@('node', 'add', $Array, $Node) + $given)
    }
}

function Remove-KeyrollNode {
    <#
    .SYNOPSIS
    Takes a node out of an array: its keys are wiped there.
    .PARAMETER Array
    The array.
    .PARAMETER Node
    The node.
    .PARAMETER Unreachable
    The node is gone, and nothing can be wiped there: roll the array afterwards.
    .EXAMPLE
    Remove-KeyrollNode -Array mail -Node ex1.corp.example
    .EXAMPLE
    Remove-KeyrollNode -Array mail -Node ex1.corp.example -Unreachable -Confirm:$false
    #>
    [CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]
    param(
        [Parameter(Mandatory, Position = 0, ValueFromPipelineByPropertyName)]
        [string] $Array,
        [Parameter(Mandatory, Position = 1, ValueFromPipelineByPropertyName)]
        [string] $Node,
        [switch] $Unreachable
    )
    process {
        $given = @(Get-GivenOption -Options @{ '--unreachable' = [bool]$Unreachable })
        if ($PSCmdlet.ShouldProcess("$Node in array $Array", 'Take out, and wipe its keys')) {
            $given += '--yes'
        } elseif ($WhatIfPreference) {
            $given += '--dry-run'
        } else {
            return
        }
        Invoke-KeyrollProgram -Caller $PSCmdlet -Words (@('node', 'remove', $Array, $Node) + $given)
    }
}

function Suspend-KeyrollNode {
    <#
    .SYNOPSIS
    Keeps a node out of service: it is not ready, and rollovers do not wait for it.
    .PARAMETER Array
    The array.
    .PARAMETER Node
    The node.
    .PARAMETER Reason
    Why, for the others and for the audit.
    .EXAMPLE
    Suspend-KeyrollNode -Array mail -Node ex2.corp.example -Reason 'new disk'
    #>
    [CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'Medium')]
    param(
        [Parameter(Mandatory, Position = 0, ValueFromPipelineByPropertyName)]
        [string] $Array,
        [Parameter(Mandatory, Position = 1, ValueFromPipelineByPropertyName)]
        [string] $Node,
        [string] $Reason = ''
    )
    process {
        $given = @(Get-GivenOption -Options @{ '--reason' = $Reason })
        if (-not $PSCmdlet.ShouldProcess("$Node in array $Array", 'Keep the node out of service')) {
            if (-not $WhatIfPreference) { return }
            $given += '--dry-run'
        }
        $words = @('node', 'quarantine', $Array, $Node) + $given
        Invoke-KeyrollProgram -Caller $PSCmdlet -Words $words
    }
}

function Resume-KeyrollNode {
    <#
    .SYNOPSIS
    Lets a node that was kept out of service catch up and serve again.
    .PARAMETER Array
    The array.
    .PARAMETER Node
    The node.
    .EXAMPLE
    Get-KeyrollNode -Array mail | Where-Object state -eq 'quarantined' | Resume-KeyrollNode
    #>
    [CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'Medium')]
    param(
        [Parameter(Mandatory, Position = 0, ValueFromPipelineByPropertyName)]
        [string] $Array,
        [Parameter(Mandatory, Position = 1, ValueFromPipelineByPropertyName)]
        [string] $Node
    )
    process {
        $given = @()
        if (-not $PSCmdlet.ShouldProcess("$Node in array $Array", 'Let the node serve again')) {
            if (-not $WhatIfPreference) { return }
            $given += '--dry-run'
        }
        Invoke-KeyrollProgram -Caller $PSCmdlet -Words (@('node', 'resume', $Array, $Node) + $given)
    }
}

function Grant-KeyrollPassword {
    <#
    .SYNOPSIS
    Lets a node have the array's password itself, for one use; other nodes get keys alone.
    .PARAMETER Array
    The array.
    .PARAMETER Node
    The node, whose agent runs with a target for it.
    .PARAMETER Use
    logon-session, service-logon or iis-pool.
    .EXAMPLE
    Grant-KeyrollPassword -Array mail -Node ex1.corp.example -Use logon-session
    #>
    [CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'Medium')]
    param(
        [Parameter(Mandatory, Position = 0, ValueFromPipelineByPropertyName)]
        [string] $Array,
        [Parameter(Mandatory, Position = 1, ValueFromPipelineByPropertyName)]
        [string] $Node,
        [Parameter(Mandatory)]
        [string] $Use
    )
    process {
        $given = @(Get-GivenOption -Options @{ '--allow' = $Use })
        if (-not $PSCmdlet.ShouldProcess("$Node in array $Array", "Send the password, for $Use")) {
            if (-not $WhatIfPreference) { return }
            $given += '--dry-run'
        }
        $words = @('node', 'password', $Array, $Node) + $given
        Invoke-KeyrollProgram -Caller $PSCmdlet -Words $words
    }
}

function Revoke-KeyrollPassword {
    <#
    .SYNOPSIS
    Takes that leave back: what the node keeps of the password is wiped. Then roll: it knew it.
    .PARAMETER Array
    The array.
    .PARAMETER Node
    The node.
    .PARAMETER Use
    logon-session, service-logon or iis-pool.
    .EXAMPLE
    Revoke-KeyrollPassword -Array mail -Node ex1.corp.example -Use logon-session
    #>
    [CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'Medium')]
    param(
        [Parameter(Mandatory, Position = 0, ValueFromPipelineByPropertyName)]
        [string] $Array,
        [Parameter(Mandatory, Position = 1, ValueFromPipelineByPropertyName)]
        [string] $Node,
        [Parameter(Mandatory)]
        [string] $Use
    )
    process {
        $given = @(Get-GivenOption -Options @{ '--forbid' = $Use })
        if (-not $PSCmdlet.ShouldProcess("$Node in array $Array", "Send no password, for $Use")) {
            if (-not $WhatIfPreference) { return }
            $given += '--dry-run'
        }
        $words = @('node', 'password', $Array, $Node) + $given
        Invoke-KeyrollProgram -Caller $PSCmdlet -Words $words
    }
}
