package asm

//go:generate sh -c "cd _generate && go run ./gemm -out ../gemm_amd64.s -stubs ../gemm_amd64.go -pkg asm"
