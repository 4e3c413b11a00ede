@{
    RootModule = 'keyroll.psm1'
    ModuleVersion = '0.1.0'
    GUID = '5f0c7d7e-1c0e-4b0a-9d57-2f6e6c6b8f31'
    Author = 'The keyroll authors'
    Description = 'Rolls the password of a Kerberos service account that an array of nodes shares'
    PowerShellVersion = '5.1'
    CompatiblePSEditions = @('Desktop', 'Core')
    FunctionsToExport = @(
        'Add-KeyrollNode'
        'Get-KeyrollArray'
        'Get-KeyrollAudit'
        'Get-KeyrollConnection'
        'Get-KeyrollNode'
        'Get-KeyrollRollover'
        'Get-KeyrollRolloverStory'
        'Get-KeyrollSchedule'
        'Get-KeyrollStatus'
        'Grant-KeyrollPassword'
        'Invoke-KeyrollRollover'
        'Remove-KeyrollNode'
        'Resolve-KeyrollRollover'
        'Resume-KeyrollNode'
        'Resume-KeyrollSchedule'
        'Revoke-KeyrollPassword'
        'Set-KeyrollConnection'
        'Set-KeyrollSchedule'
        'Stop-KeyrollRollover'
        'Suspend-KeyrollNode'
        'Suspend-KeyrollSchedule'
        'Test-KeyrollArray'
        'Test-KeyrollAudit'
        'Test-KeyrollTicket'
    )
    CmdletsToExport = @()
    VariablesToExport = @()
    AliasesToExport = @()
}
