<#
.SYNOPSIS
Runs a package in a Hyper-V test machine and brings its reports back.

.DESCRIPTION
Copies the folder that `cargo xtask package` made into a running virtual machine, runs
`ringcopy install` and `ringcopy vm-test` there, and copies the reports out. When vm-test asks for a
restart, restart the virtual machine and run this script again with -Continue and the same options.

This script has never been run: the project is developed without a Windows machine. Take a snapshot
of the virtual machine first. The package's README.txt lists what else it needs.

.EXAMPLE
.\run.ps1 -VMName win11-test -Package .\package -Credential (Get-Credential)
#>
#Requires -Version 5.1
#Requires -RunAsAdministrator
[CmdletBinding()]
param(
    # A running virtual machine with test signing on.
    [Parameter(Mandatory)] [string] $VMName,
    # An administrator of the virtual machine.
    [Parameter(Mandatory)] [pscredential] $Credential,
    # The folder that `cargo xtask package` made.
    [string] $Package = '.\package',
    # Where the reports go.
    [string] $Reports = '.\reports',
    # Continue with vm-test: the package is installed.
    [switch] $Continue,
    # `vm-test --no-restart`: with the settings of Driver Verifier that take effect at once.
    [switch] $NoRestart,
    # `vm-test --risky`: with a last round that may stop the machine.
    [switch] $Risky
)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$folder = 'C:\ringcopy'
$session = New-PSSession -VMName $VMName -Credential $Credential
try {
    $test = @('vm-test')
    if ($NoRestart) { $test += '--no-restart' }
    if ($Risky) { $test += '--risky' }
    $steps = @(, $test)
    if (-not $Continue) {
        # Copy-Item would copy into an existing folder, not replace it.
        Invoke-Command -Session $session {
            if (Test-Path $using:folder) { Remove-Item -Recurse -Force $using:folder }
        }
        Copy-Item -ToSession $session -Path $Package -Destination $folder -Recurse
        $steps = @(@('install'), $test)
    }
    foreach ($step in $steps) {
        $code = Invoke-Command -Session $session {
            Set-Location $using:folder
            # The output goes to the screen, so that only the exit code is returned.
            & .\ringcopy.exe $using:step 2>&1 | Out-Host
            $LASTEXITCODE
        }
        if ($code -ne 0) { break }
    }
    # A failed test has a report, too.
    New-Item -ItemType Directory -Force $Reports | Out-Null
    Copy-Item -FromSession $session -Path "$folder\ringcopy-vm-test.*" -Destination $Reports
}
finally {
    Remove-PSSession $session
}
exit $code
