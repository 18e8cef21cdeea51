<#
.SYNOPSIS
Turns Driver Verifier on for ringcopy.sys, off for every driver, or shows its counters.

.DESCRIPTION
For manual use in the test machine: `ringcopy vm-test` does all of this itself, and without a restart
with `--no-restart`. "on" and "off" take effect at the next start of the machine.

This script has never been run: the project is developed without a Windows machine.

.EXAMPLE
.\verifier.ps1 on
#>
#Requires -Version 5.1
#Requires -RunAsAdministrator
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [ValidateSet('on', 'off', 'show')] [string] $What
)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

switch ($What) {
    'on' { verifier.exe /standard /driver ringcopy.sys }
    'off' { verifier.exe /reset }
    'show' { verifier.exe /query }
}
exit $LASTEXITCODE
