package asm

//go:generate sh -c "cd _generate && go run ./butterfly -out ../butterfly_amd64.s -stubs ../butterfly_amd64.go -pkg asm"
//go:generate sh -c "cd _generate && go run ./butterfly -file block -out ../block_amd64.s -stubs ../block_amd64.go -pkg asm"
//go:generate sh -c "cd _generate && go run ./butterfly -file line -out ../line_amd64.s -stubs ../line_amd64.go -pkg asm"
