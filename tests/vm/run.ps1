<#
.SYNOPSIS
Runs a package in a Hyper-V test machine and brings its reports back.

.DESCRIPTION
Copies the folder that `cargo xtask package` made into a running virtual machine, runs
`ringcopy install` and `ringcopy vm-test` there, and copies the reports out. When vm-test asks for a
restart, restart the virtual machine and run this script again with -Continue.

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
    [switch] $Continue
)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$folder = 'C:\ringcopy'
$session = New-PSSession -VMName $VMName -Credential $Credential
try {
    $steps = @('vm-test')
    if (-not $Continue) {
        # Copy-Item would copy into an existing folder, not replace it.
        Invoke-Command -Session $session {
            if (Test-Path $using:folder) { Remove-Item -Recurse -Force $using:folder }
        }
        Copy-Item -ToSession $session -Path $Package -Destination $folder -Recurse
        $steps = @('install', 'vm-test')
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
