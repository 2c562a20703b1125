package asm

//go:generate sh -c "cd _generate && go run ./elementwise -out ../elementwise_amd64.s -stubs ../elementwise_amd64.go -pkg asm"
