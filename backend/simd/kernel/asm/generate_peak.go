package asm

//go:generate sh -c "cd _generate && go run ./peak -out ../peak_amd64.s -stubs ../peak_amd64.go -pkg asm"
