# keyroll for PowerShell, 5.1 and 7: docs/powershell.md. Each function is one line of the command
# line `keyroll`, which does the work; what it answers as JSON comes out as objects.
Set-StrictMode -Version 2.0

foreach ($part in 'program', 'arrays', 'nodes', 'rollovers', 'schedules', 'audit') {
    . (Join-Path -Path $PSScriptRoot -ChildPath "$part.ps1")
}

# What a table shows of each kind of object; all of it is there.
$columns = @{
    'Keyroll.Array' = 'array', 'account', 'kvno', 'spns', 'alarms'
    'Keyroll.Node' = 'array', 'node', 'state', 'version', 'reason'
    'Keyroll.Roll' = 'array', 'roll', 'state', 'kvno_before', 'kvno_after', 'reason'
    'Keyroll.Finding' = 'grade', 'check', 'object', 'evidence', 'cause', 'mend'
    'Keyroll.Check' = 'grade', 'object', 'what', 'evidence', 'next'
    'Keyroll.AuditEntry' = 'number', 'actor', 'verb', 'object', 'outcome'
}
foreach ($kind in $columns.Keys) {
    Update-TypeData -TypeName $kind -DefaultDisplayPropertySet $columns[$kind] -Force
}
