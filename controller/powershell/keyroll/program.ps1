# Where `keyroll` runs, how it is started, and what its errors become.

# Neither the network nor the settings are touched until the first question.
$script:connection = @{ Path = 'keyroll'; ComputerName = ''; Config = '' }

# The categories of PowerShell for the exit codes of docs/cli.md. 0 is no error; 3 comes with
# findings, which are the answer.
$script:categories = @{
    1 = 'OperationStopped'
    2 = 'InvalidArgument'
    3 = 'InvalidResult'
    4 = 'OperationStopped'
    65 = 'InvalidData'
    66 = 'ObjectNotFound'
    69 = 'ConnectionError'
    70 = 'NotSpecified'
    73 = 'WriteError'
    74 = 'ReadError'
    75 = 'ResourceBusy'
    76 = 'InvalidOperation'
    77 = 'PermissionDenied'
    78 = 'MetadataError'
    130 = 'OperationStopped'
}

function Set-KeyrollConnection {
    <#
    .SYNOPSIS
    Says where keyroll runs, for this session.
    .DESCRIPTION
    Without it, the program keyroll of this machine is started. With -ComputerName it is started on
    another machine, by ssh: on Windows there is no keyroll of its own. Log in there with a key or a
    Kerberos ticket: ssh cannot ask for a password here. Nothing is asked of anybody yet.
    .PARAMETER ComputerName
    The machine that has keyroll, as ssh takes it: HOST or USER@HOST.
    .PARAMETER Path
    The program, on the machine where it runs.
    .PARAMETER Config
    Its settings file there (controller, certificate, key); without it, the user's own.
    .EXAMPLE
    Set-KeyrollConnection -ComputerName anna@controller.corp.example
    .EXAMPLE
    Set-KeyrollConnection -Path /usr/local/bin/keyroll -Config /etc/keyroll/cli.toml
    #>
    [CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'Low')]
    param(
        [ValidatePattern('^[^-\s]\S*$')]
        [string] $ComputerName = '',
        [ValidateNotNullOrEmpty()]
        [string] $Path = 'keyroll',
        [string] $Config = ''
    )
    if ($PSCmdlet.ShouldProcess($ComputerName, 'Run keyroll there from now on')) {
        $script:connection = @{ Path = $Path; ComputerName = $ComputerName; Config = $Config }
    }
}

function Get-KeyrollConnection {
    <#
    .SYNOPSIS
    Shows where keyroll runs.
    .EXAMPLE
    Get-KeyrollConnection
    #>
    [CmdletBinding()]
    param()
    New-Object -TypeName PSObject -Property $script:connection
}

# One argument as CommandLineToArgvW reads it; .NET does the same on Linux.
function Format-ProgramArgument {
    param([string] $Text)
    if ($Text -match '^[^\s"]+$') {
        return $Text
    }
    $escaped = $Text -replace '(\\*)"', '$1$1\"'
    $escaped = $escaped -replace '(\\+)$', '$1$1'
    return '"' + $escaped + '"'
}

# One word as a POSIX shell reads it: ssh hands one line to the shell there.
function Format-ShellWord {
    param([string] $Text)
    return "'" + $Text.Replace("'", "'\''") + "'"
}

# The program to start here, and its arguments as one line.
function Get-ProgramLine {
    param([string[]] $Words)
    $line = @($script:connection.Path, '--output', 'json')
    if ($script:connection.Config -ne '') {
        $line += '--config', $script:connection.Config
    }
    $line += $Words
    if ($script:connection.ComputerName -ne '') {
        $there = @($line | ForEach-Object { Format-ShellWord -Text $_ }) -join ' '
        $line = @('ssh', '-o', 'BatchMode=yes', '--', $script:connection.ComputerName, $there)
    }
    $program, $rest = $line
    $arguments = @($rest | ForEach-Object { Format-ProgramArgument -Text $_ })
    return @{ Program = $program; Arguments = $arguments -join ' ' }
}

# Starts the program without a window, a shell or anything to read, and waits for its end.
function Start-KeyrollProgram {
    param([string[]] $Words)
    $line = Get-ProgramLine -Words $Words
    $start = New-Object -TypeName System.Diagnostics.ProcessStartInfo
    $start.FileName = $line.Program
    $start.Arguments = $line.Arguments
    $start.UseShellExecute = $false
    $start.CreateNoWindow = $true
    $start.RedirectStandardInput = $true
    $start.RedirectStandardOutput = $true
    $start.RedirectStandardError = $true
    $start.StandardOutputEncoding = [System.Text.Encoding]::UTF8
    $start.StandardErrorEncoding = [System.Text.Encoding]::UTF8
    Write-Verbose -Message "$($line.Program) $($line.Arguments)"
    $process = [System.Diagnostics.Process]::Start($start)
    try {
        $process.StandardInput.Close()
        # Both at once, or the one that nobody reads fills its pipe.
        $output = $process.StandardOutput.ReadToEndAsync()
        $errors = $process.StandardError.ReadToEndAsync()
        # In short pieces, so that Ctrl-C is heard.
        while (-not $process.WaitForExit(200)) { }
        return @{ Exit = $process.ExitCode; Output = $output.Result; Errors = $errors.Result }
    } finally {
        if (-not $process.HasExited) {
            # It only looks: what was begun goes on in the controller.
            $process.Kill()
        }
        $process.Dispose()
    }
}

# An error of keyroll as PowerShell has them: what happened, to which object, why, what to do next.
function Get-KeyrollErrorRecord {
    param([string] $Message, [string] $Code, [string] $Next, [int] $ExitCode, [object] $Target)
    $text = $Message
    if ($Next -ne '') {
        $text = $Message + [System.Environment]::NewLine + 'next: ' + $Next
    }
    $category = 'NotSpecified'
    if ($script:categories.ContainsKey($ExitCode)) {
        $category = $script:categories[$ExitCode]
    }
    $exception = New-Object -TypeName System.InvalidOperationException -ArgumentList $text
    $exception.Data['Code'] = $Code
    $exception.Data['Next'] = $Next
    $exception.Data['ExitCode'] = $ExitCode
    return New-Object -TypeName System.Management.Automation.ErrorRecord -ArgumentList @(
        $exception, "Keyroll.$Code", $category, $Target
    )
}

# What keyroll said on standard error: the error if there is one; the rest is told by -Verbose.
function Get-KeyrollTrouble {
    param([string] $Errors)
    $trouble = $null
    foreach ($line in $Errors -split "`r?`n") {
        if ($line.StartsWith('{"error":')) {
            $trouble = (ConvertFrom-Json -InputObject $line).error
        } elseif ($line -ne '') {
            Write-Verbose -Message $line
        }
    }
    return $trouble
}

# One line of keyroll: its answer as objects, or -Field of it, each -As this kind; its error as an
# error of the -Caller that ends it.
function Invoke-KeyrollProgram {
    param(
        [System.Management.Automation.PSCmdlet] $Caller,
        [string[]] $Words,
        [string] $Field = '',
        [string] $As = ''
    )
    $record = @{ Target = $Words -join ' ' }
    try {
        $ran = Start-KeyrollProgram -Words $Words
    } catch {
        $record.Message = "keyroll cannot be started: $($_.Exception.Message)"
        $record.Next = 'Set-KeyrollConnection -ComputerName HOST, or -Path PROGRAM'
        $record.Code = 'not-started'
        $record.ExitCode = 69
        $Caller.ThrowTerminatingError((Get-KeyrollErrorRecord @record))
    }
    $trouble = Get-KeyrollTrouble -Errors $ran.Errors
    if ($null -ne $trouble) {
        $record.Message = $trouble.message
        $record.Next = $trouble.next
        $record.Code = $trouble.code
        $record.ExitCode = $trouble.exit
        $Caller.ThrowTerminatingError((Get-KeyrollErrorRecord @record))
    }
    if ($ran.Output.Trim() -eq '') {
        $record.Message = "keyroll ended with $($ran.Exit) and said: $($ran.Errors.Trim())"
        $record.Next = 'Get-KeyrollConnection'
        $record.Code = 'no-answer'
        $record.ExitCode = $ran.Exit
        $Caller.ThrowTerminatingError((Get-KeyrollErrorRecord @record))
    }
    $answer = ConvertFrom-Json -InputObject $ran.Output
    if ($Field -ne '') {
        $answer = $answer.$Field
    }
    foreach ($object in @($answer)) {
        if ($As -ne '') {
            $object.PSObject.TypeNames.Insert(0, $As)
        }
        $object
    }
}

# The options that were given, as keyroll takes them: `--name=value` for each that is not empty.
# In one word, so that no value is taken for another option.
function Get-GivenOption {
    param([System.Collections.IDictionary] $Options)
    foreach ($name in $Options.Keys) {
        foreach ($value in @($Options[$name])) {
            if ($value -is [bool]) {
                if ($value) { $name }
            } elseif ("$value" -ne '') {
                "$name=$value"
            }
        }
    }
}
