package asm

//go:generate sh -c "cd _generate && go run ./butterfly -out ../butterfly_amd64.s -stubs ../butterfly_amd64.go -pkg asm"
