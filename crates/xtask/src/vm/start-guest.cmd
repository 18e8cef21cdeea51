@echo off
rem Runs at each logon. It copies the package from the disc, so that a disc with another package is all
rem that a test needs, and starts the guest's side of the conversation on the first serial port.
mkdir C:\ringcopy\package
for %%d in (D E F G H) do if exist %%d:\ringcopy.exe copy /y %%d:\*.* C:\ringcopy\package
cd /d C:\ringcopy\package
ringcopy.exe guest
