# Gives an application pool of IIS the password that its account has now, or tries whether it could.
#
# What comes in, by standard input, is four lines: what to do (try, give, give-and-recycle), and
# then, each as base64 of UTF-8, the pool, the account that it has to run as, and the password
# (empty to try). What goes out is one line of JSON, its last text as base64 of UTF-8 too.
#
# Policies have PowerShell write down commands with their arguments; so there is no command in here,
# only calls of .NET, and nothing of what comes in becomes a part of the script.
$ErrorActionPreference = 'Stop'
$outcome = 'failed'
$recycle = 'none'
$why = ''
$utf8 = [Text.Encoding]::UTF8
try {
    $given = @($input)
    $what = [string] $given[0]
    $name = $utf8.GetString([Convert]::FromBase64String($given[1]))
    $account = $utf8.GetString([Convert]::FromBase64String($given[2]))
    $password = $utf8.GetString([Convert]::FromBase64String($given[3]))
    $inetsrv = [IO.Path]::Combine([Environment]::SystemDirectory, 'inetsrv')
    $library = [IO.Path]::Combine($inetsrv, 'Microsoft.Web.Administration.dll')
    $type = [Reflection.Assembly]::LoadFrom($library).GetType(
        'Microsoft.Web.Administration.ServerManager')
    $exactly = [StringComparison]::Ordinal
    $manager = [Activator]::CreateInstance($type)
    $pool = $manager.ApplicationPools[$name]
    $model = $null
    if ($null -ne $pool) { $model = $pool.ProcessModel }
    if ($null -eq $model) {
        $outcome = 'no-pool'
    } elseif ([string] $model.IdentityType -ne 'SpecificUser' -or $model.UserName -ne $account) {
        $outcome = 'other-account'
    } else {
        # IIS shows it to administrators.
        $has = [string]::Equals([string] $model.Password, $password, $exactly)
        # Then IIS recycles the pool by itself once it has taken up what is committed.
        $rotates = -not $pool.Recycling.DisallowRotationOnConfigChange
        if ($what -eq 'try') {
            $outcome = 'could'
        } elseif ($has) {
            $outcome = 'had'
        } else {
            $model.Password = $password
            $manager.CommitChanges()
            $outcome = 'not-held'
            $manager = [Activator]::CreateInstance($type)
            $pool = $manager.ApplicationPools[$name]
            if ([string]::Equals([string] $pool.ProcessModel.Password, $password, $exactly)) {
                $outcome = 'given'
            }
        }
        if ($outcome -eq 'given' -and $rotates) {
            $recycle = 'by-itself'
        } elseif (($outcome -eq 'given' -or $outcome -eq 'had') -and -not $rotates) {
            $state = 'Stopped'
            # It is an error to ask while IIS does not run.
            try { $state = [string] $pool.State } catch { $state = 'Stopped' }
            if ($state -ne 'Started') {
                $recycle = 'stopped'
            } elseif ($what -ne 'give-and-recycle') {
                $recycle = 'left'
            } else {
                $recycle = 'failed'
                [void] $pool.Recycle()
                $recycle = 'asked'
            }
        }
    }
} catch {
    $why = $_.Exception.GetBaseException().Message
}
$told = [Convert]::ToBase64String($utf8.GetBytes([string] $why))
$line = '{{~outcome~:~{0}~,~recycle~:~{1}~,~why~:~{2}~}}' -f $outcome, $recycle, $told
[Console]::Out.WriteLine($line.Replace('~', [string] [char] 34))
exit 0
